"""Opens a run's session: from settings, key and network, or from a cassette instead of all three."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from keycheck import __version__, cassettes, clock
from keycheck.cassettes import scrubbing
from keycheck.cassettes.label import Label, origin
from keycheck.credentials.pasted_text import KeyFacts, facts_of
from keycheck.credentials.signing import signer_of
from keycheck.errors import KeycheckError, NotApplicable, UsageProblem
from keycheck.exchange import answers
from keycheck.exchange.api_client import Identity, Listener, Transport
from keycheck.exchange.endpoints import USER_STREAMS, WEIGHT_LIMITS, Host
from keycheck.exchange.session import CLOSED_STREAM, LIMITED_STREAM, Binance
from keycheck.exchange.throttle import Countdown, Throttle
from keycheck.foreign_links import BEHIND_A_LINK, leads_elsewhere
from keycheck.host_checks import HostChecks
from keycheck.network.offline import no_sockets
from keycheck.redaction.redactor import Redactor, printable
from keycheck.redaction.secret import Secret
from keycheck.report import artefacts
from keycheck.report.model import Mode
from keycheck.run.deferred_imports import delay_interrupts
from keycheck.run.host_facts import HostFacts
from keycheck.settings import loading, value_parsers
from keycheck.settings.loading import Settings

if TYPE_CHECKING:
    from keycheck.cassettes.recorder import Recorder
    from keycheck.network.transport import HttpTransport


@dataclass(frozen=True)
class Options:
    """The options of the command line. `cassettes`: the folder that is searched for a cassette's name.

    `settings`: JSON of all settings by name, from the program that started the run; it replaces the environment.

    `shared`: the public answers that another run from this address received, as text; "" for none.

    `force`: whether a recording may replace an older one.

    `probe`: whether to ask the user data stream for its subscriptions, too; the answer decides nothing.
    """

    env_file: Path
    env_file_required: bool
    report_dir: Path
    cassettes: Path
    replay: str | None = None
    record: str | None = None
    force: bool = False
    compare: Path | None = None
    probe: bool = False
    settings: Secret | None = None
    shared: str = ""

    @property
    def mode(self) -> Mode:
        return "replay" if self.replay is not None else "record" if self.record is not None else "live"


@dataclass(frozen=True)
class OpenSession:
    """An open session and what belongs to it: the facts of this machine, and the label that a cassette would carry.

    `hosts`: those that the session sends to; `recorder`: None unless the run is recorded; `cancel`: cancels requests in
    flight, None if requests are sent one after the other, so that nothing can be prefetched.
    """

    session: Binance
    host: HostFacts
    label: Label
    hosts: tuple[str, ...] = ()
    recorder: "Recorder | None" = None
    credential_files: tuple[Path, ...] = ()
    cancel: Callable[[], None] | None = None


def open_session(
    options: Options, redactor: Redactor, countdown: Countdown, started_at: str, resources: contextlib.ExitStack
) -> OpenSession:
    """Opens the session that `options` describe. `resources` closes its network; `started_at`: ISO 8601, UTC.

    Raises UsageProblem if settings, files or cassettes cannot be used.
    """
    if options.replay is not None and options.record is not None:
        raise UsageProblem("--replay and --record exclude each other: leave one of them out")
    opener = _Opener(options, redactor, countdown, started_at, resources)
    if options.replay is not None:
        path = cassettes.path_of(options.replay, options.cassettes)
        if leads_elsewhere(path):
            name = printable(path.name, 60)
            raise UsageProblem(f"{name} {BEHIND_A_LINK}: name another file with --replay")
        return opener.replay(path)
    loaded = loading.load(options.env_file, required=options.env_file_required, handed=options.settings)
    return opener.live(loaded)


_LEAST_LENGTH = 16  # characters; a shorter part of a private key may occur in another file's text by chance
NO_CONNECTION = "a replay opens no connection, so it cannot tell whether the stream is alive"
_LATEST = 10**14  # ms since 1970: the year 5138, for the end of a ban in an untrusted cassette
OTHER_HOST = "BINANCE_FUTURES_URL names another host; BINANCE_STREAM_URL would say where its stream is"


@dataclass(frozen=True)
class _Opener:
    """Builds the parts of one session: transport, identity, stream, recorder."""

    _options: Options
    _redactor: Redactor
    _countdown: Countdown
    _started_at: str
    _resources: contextlib.ExitStack

    def replay(self, path: Path) -> OpenSession:
        with delay_interrupts():
            from keycheck.cassettes.player import Player  # noqa: PLC0415  live runs and replays import different modules

        self._resources.enter_context(no_sockets())
        player = Player(path)
        label = player.label
        identity = Identity(label.key, signer=None if label.key.missing else _NoSigner())
        listener = _NoStream(end_of_the_stream(player)) if label.has_stream else None
        session = self._session(player, player, identity, label, listener)
        return OpenSession(session, HostFacts(HostChecks(), player), label)

    def live(self, loaded: Settings) -> OpenSession:
        with delay_interrupts():
            from keycheck.network.transport import HttpTransport  # noqa: PLC0415  as above

        identity = self._identity(loaded)
        self._refuse_secrets_elsewhere(loaded)
        label = self._label(loaded, identity.key)
        urls = {Host.FUTURES: loaded.futures_url} | ({Host.WALLET: loaded.wallet_url} if loaded.wallet_url else {})
        http = self._resources.enter_context(contextlib.closing(HttpTransport(urls, loaded.proxy, loaded.ca_bundle)))
        credentials = [Secret(text) for text in loaded.credentials.to_hide() if len(text) >= _LEAST_LENGTH]
        host, listener = HostChecks(loaded.credential_files, credentials), self._listener(loaded, http)
        files = tuple(path for _, path in loaded.credential_files)
        if self._options.record is None:
            journal = clock.NoJournal()
            session = self._session(http, journal, identity, label, listener)
            session.sharing.join(self._options.shared, loaded.source, loaded.symbol, loaded.recv_window)

            def cancel() -> None:
                http.cancel()
                if listener is not None:
                    listener.cancel()

            return OpenSession(session, HostFacts(host, journal), label, loaded.asked, None, files, cancel)
        from keycheck.cassettes.recorder import Recorder  # noqa: PLC0415  as above

        path = cassettes.path_of(self._options.record, self._options.cassettes)
        artefacts.make_folder(path.parent, "--record FOLDER/NAME")
        recorder = Recorder(path, label, self._redactor, http, force=self._options.force)
        session = self._session(recorder, recorder, identity, label, listener)
        return OpenSession(session, HostFacts(host, recorder), label, loaded.asked, recorder, files)

    def _identity(self, loaded: Settings) -> Identity:
        held = loaded.credentials
        for text in held.to_hide():
            self._redactor.learn(text)
        passphrase = held.private_key.passphrase if held.private_key else None
        for password in (value_parsers.proxy_password(loaded.proxy), passphrase):
            if password:
                self._redactor.learn_password(password.reveal())
        signer = signer_of(held)  # it may decode a private key, so the redactor must know all secrets by now
        key = facts_of(held, signer.type if signer else None)
        return Identity(key, held.api_key, signer if held.api_key else None)

    def _refuse_secrets_elsewhere(self, loaded: Settings) -> None:
        """Raises UsageProblem if a setting that reports show, or a DNS look-up sends, holds a part of a secret."""
        for name, value in loaded.shown.items():
            if self._redactor.finds(value):
                raise UsageProblem(
                    f"{name} holds a part of a credential, and would be shown: check whether lines of the settings "
                    "were mixed up, and correct it"
                )

    def _listener(self, loaded: Settings, http: "HttpTransport") -> Listener | None:
        if not loaded.user_stream:
            return None
        if loaded.stream_url is None:
            return _NoStream(NotApplicable(OTHER_HOST))
        from keycheck.network.stream import Stream  # noqa: PLC0415  as above

        return Stream(
            loaded.stream_url,
            self._redactor,
            loaded.proxy,
            loaded.ca_bundle,
            endpoint=USER_STREAMS[loaded.environment],
            probe=self._options.probe,
            limited=http.limited,
        )

    def _label(self, loaded: Settings, key: KeyFacts) -> Label:
        name = cassettes.path_of(self._options.record, Path()).stem if self._options.record is not None else ""
        return Label(
            name=printable(name, 60),
            recorded_at=self._started_at,
            recorded_from=origin(loaded.exchange, loaded.environment),
            suite_version=__version__,
            environment=loaded.environment,
            symbol=loaded.symbol,
            recv_window=loaded.recv_window,
            has_wallet=loaded.wallet_url is not None,
            key=key,
            system=loading.system(),
            has_stream=loaded.user_stream,
            expected=loaded.expected,
        )

    def _session(
        self, transport: Transport, journal: clock.Journal, identity: Identity, label: Label, listener: Listener | None
    ) -> Binance:
        pause = clock.NoSleep() if self._options.mode == "replay" else clock.Sleep()
        return Binance(
            transport,
            identity,
            symbol=label.symbol,
            recv_window=label.recv_window,
            has_wallet=label.has_wallet,
            journal=journal,
            redactor=self._redactor,
            listener=listener,
            expected=label.expected,
            throttle=Throttle(pause, WEIGHT_LIMITS[label.environment], self._countdown),
        )


def end_of_the_stream(recorded: clock.Journal) -> KeycheckError:
    """Why the recorded run ended at the stream, if it did; otherwise, why a replay opens none."""
    if status := round(recorded.keep(CLOSED_STREAM, [0, 0], vital=False)[0]):
        return answers.restricted_location(Host.STREAM, status)
    limit = {name: round(recorded.keep(key, [0, 0], vital=False)[0]) or None for name, key in LIMITED_STREAM.items()}
    if limit["status"] and 0 <= (limit["banned_until"] or 0) < _LATEST:
        return answers.rate_limited(Host.STREAM, **limit)
    return NotApplicable(NO_CONNECTION)


class _NoStream:
    """A listener for runs that cannot open the stream: it raises the reason."""

    def __init__(self, why: KeycheckError) -> None:
        self._why = why

    def listen(self, listen_key: Secret, seconds: float) -> NoReturn:  # noqa: ARG002  the interface of a listener
        raise self._why

    def preload(self) -> None:
        """Nothing to import."""

    def cancel(self) -> None:
        """Nothing to cancel."""


class _NoSigner:
    """The signer of a replay, which has no secret: cassettes hold a constant in place of each signature."""

    def sign(self, payload: bytes) -> str:  # noqa: ARG002  the interface of a signer
        return scrubbing.CONSTANT
