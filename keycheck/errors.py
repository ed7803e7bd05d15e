"""The exceptions of this package, as a tree. Every message says what happened, then what to do.

    KeycheckError
    |-- UsageProblem        settings, options or files that cannot be used (exit status 4)
    |-- DirtyArtefact       a file would have held a secret; it was not written (exit status 11)
    |-- NotApplicable       the claim does not apply to this key
    |-- NotListed           an attempt to send a request that is not on the list
    `-- Inconclusive          a check could not look; it never convicts the key
        |-- Unreachable         no answer: no DNS, refused, reset, time-out, certificate
        |-- NotBinance          an answer, but not one that Binance gives
        |-- BlockedEnRoute      a firewall answered instead of Binance
        |   `-- RestrictedLocation  Binance does not serve this machine's location
        |-- RateLimited         429 or 418: this run sends no more requests
        |   `-- OrdersLimited       too many orders: a limit of the account, not of the address
        |-- NotSent             a request that was not sent, because another one was answered with 429 or 418
        |-- ExchangeTrouble     5xx and the codes that mean "try again"
        |-- Refused             a coded refusal that does not answer what was asked
        |-- Undecided           an answer that leaves the question open
        |-- OutOfTime           the run has used up its time
        `-- NotRecorded         the cassette holds no such answer

No text here ever holds a query, a header, a key or a signature.
"""


class KeycheckError(Exception):
    """The root of all exceptions that this package raises on purpose, except Cancelled."""


class Cancelled(Exception):
    """A prefetched request was cancelled. It is outside the tree, because no check ends with it."""


class UsageProblem(KeycheckError):
    """A setting, an option or a file that cannot be used; one sentence that names the remedy."""


class DirtyArtefact(KeycheckError):
    """A file that was about to be written held a secret; it was not written, and an older one was removed."""


class NotApplicable(KeycheckError):
    """The claim does not apply to this key, such as one about wallet permissions on the demo network."""


class NotListed(KeycheckError):
    """A request that is not on the list; raised before a socket is touched."""


class Inconclusive(KeycheckError):
    """The question could not be asked, or the answer does not settle it.

    `code`: Binance's code, if there was one. `kind`: the obstacle, in a word that diagnosis/ knows.
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
    """An answer came that Binance does not give: a redirect, HTML, JSON without required fields."""

    kind = "not_binance"


class BlockedEnRoute(Inconclusive):
    """A firewall (403, 202) stands between this machine and the API."""

    kind = "turned_away"


class RestrictedLocation(BlockedEnRoute):
    """Binance does not serve the location of this machine's address: 451, or a 403 that says so.

    Unlike other Inconclusive answers it is an observation: a claim about this machine fails.
    """

    kind = "restricted_location"

    def __init__(self, message: str, status: int = 451) -> None:
        super().__init__(message)
        self.status = status


class RateLimited(Inconclusive):
    """HTTP 429 or 418. The run sends no more requests.

    `banned_until` (ms since 1970) and `retry_after` (seconds): None unless the exchange said so. `status`: HTTP's.
    """

    kind = "rate_limited"
    status: int | None = None
    banned_until: int | None = None
    retry_after: int | None = None


class OrdersLimited(RateLimited):
    """Binance counted too many orders (-1015), which it does for each account, whatever address they came from."""

    kind = "orders_limited"


class NotSent(Inconclusive):
    """A request was not sent, because another request had just been answered with 429 or 418."""

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
