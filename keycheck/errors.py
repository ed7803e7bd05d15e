"""Why we could not go on, or could not look. Every message says what happened, then what to do.

    KeycheckError
    |-- UsageProblem        settings, options or files that cannot be used (exit status 4)
    |-- DirtyArtefact       a file would have held a secret; it was not written (exit status 11)
    |-- NotApplicable       the claim says nothing about this key
    |-- NotListed           somebody tried to send a request that is not on the list
    `-- Inconclusive          a check could not look; it never convicts the key
        |-- Unreachable         no answer: no DNS, refused, reset, time-out, certificate
        |-- NotBinance          an answer, but not one that Binance gives
        |-- BlockedEnRoute          a firewall answered in Binance's place
        |   `-- RestrictedLocation      Binance does not serve the place in which this machine is
        |-- RateLimited         429 or 418: nothing more is sent in this run
        |-- NotSent             a request that was about to leave when such an answer was read
        |-- ExchangeTrouble     5xx and the codes that mean "try again"
        |-- Refused             a coded refusal that does not answer what was asked
        |-- Undecided           the answer came, and leaves the question open
        |-- OutOfTime           the run's own time is used up
        `-- NotRecorded         the cassette holds no such answer

No text here ever holds a query, a header, a key or a signature.
"""


class KeycheckError(Exception):
    """The root of everything this package raises on purpose."""


class Cancelled(Exception):
    """A prefetched request was cancelled. Not part of the tree above, as it is no check's finding."""


class UsageProblem(KeycheckError):
    """A setting, an option or a file that cannot be used; one sentence that names the remedy."""


class DirtyArtefact(KeycheckError):
    """A file that was about to be written held a secret; it was not written, and an older one was removed."""


class NotApplicable(KeycheckError):
    """The claim says nothing about this key, such as wallet permissions on the demo network."""


class NotListed(KeycheckError):
    """A request that is not on the list; raised before a socket is touched."""


class Inconclusive(KeycheckError):
    """The question could not be put, or got no answer that speaks of it.

    `code`: Binance's, where one came along. `kind`: what stood in the way, in a word that diagnosis/ knows.
    """

    code: int | None = None
    kind = "undecided"


class Unreachable(Inconclusive):
    """No answer came.

    `kind` is one of `dns`, `refused`, `reset`, `timeout`, `tls`, `proxy`, `no_route`, `other`.
    """

    def __init__(self, message: str, kind: str = "other") -> None:
        super().__init__(message)
        self.kind = kind


class NotBinance(Inconclusive):
    """An answer came that Binance does not give: a redirect, HTML, JSON without what it must hold."""

    kind = "not_binance"


class BlockedEnRoute(Inconclusive):
    """A firewall (403, 202) stands between this machine and the API."""

    kind = "turned_away"


class RestrictedLocation(BlockedEnRoute):
    """Binance does not serve the place in which this machine's address lies: 451, or a 403 that says so.

    The only answer on the way that is an observation: where the claim is about this machine, it fails.
    """

    kind = "restricted_location"

    def __init__(self, message: str, status: int = 451) -> None:
        super().__init__(message)
        self.status = status


class RateLimited(Inconclusive):
    """429 or 418. The run sends nothing more.

    `banned_until`: ms since 1970, and `retry_after`: seconds, each where the exchange said so. `status`: HTTP's.
    """

    kind = "rate_limited"
    status: int | None = None
    banned_until: int | None = None
    retry_after: int | None = None


class NotSent(Inconclusive):
    """A request was ready to leave when the answer to another one set a limit, so it was held back."""

    kind = "not_sent"


class ExchangeTrouble(Inconclusive):
    """Binance's own trouble: 5xx, 408, or a code that means the same."""

    kind = "exchange_trouble"


class Refused(Inconclusive):
    """Binance refused with a code, and the refusal does not answer what the check asks."""

    kind = "refusal"


class Undecided(Inconclusive):
    """The observation leaves the question open."""


class OutOfTime(Inconclusive):
    """The run has used up the time it may take."""

    kind = "out_of_time"


class NotRecorded(Inconclusive):
    """The cassette holds no answer to this request."""
