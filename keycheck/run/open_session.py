"""How a run's session is opened: settings, key and network, or a cassette in the place of all three."""

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
from keycheck.errors import NotApplicable, UsageProblem
from keycheck.exchange.api_client import Identity, Listener, Transport
from keycheck.exchange.endpoints import USER_STREAMS, WEIGHT_LIMITS, Host
from keycheck.exchange.session import Binance
from keycheck.exchange.throttle import Countdown, Throttle
from keycheck.host_checks import HostChecks
from keycheck.network.offline import no_sockets
from keycheck.redaction.redactor import Redactor, printable
from keycheck.redaction.secret import Secret
from keycheck.report import artefacts
from keycheck.report.model import Mode
from keycheck.settings import loading, value_parsers
from keycheck.settings.loading import Settings

if TYPE_CHECKING:
    from keycheck.cassettes.recorder import Recorder


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `cassettes`: the folder in which a cassette is found by its name.

    `settings`: JSON of all settings by name, from a program that started the run, in the environment's place.

    `probe`: the user data stream is asked for its subscriptions as well, as an observation that decides nothing.
    """

    env_file: Path
    env_file_required: bool
    report_dir: Path
    cassettes: Path
    replay: str | None = None
    record: str | None = None
    compare: Path | None = None
    probe: bool = False
    settings: Secret | None = None

    @property
    def mode(self) -> Mode:
        return "replay" if self.replay is not None else "record" if self.record is not None else "live"


@dataclass(frozen=True)
class Opened:
    """A session, what may be told of it, the hosts that it asks, and what records it, if anything does.

    `give_up`: ends all that is on its way; None where one request goes after the other, so that there is nothing ahead.
    """

    session: Binance
    label: Label
    hosts: tuple[str, ...] = ()
    recorder: "Recorder | None" = None
    credential_files: tuple[Path, ...] = ()
    cancel: Callable[[], None] | None = None


class Opening:
    """Opens one session; what it opened is given back by `close`. `started_at`: ISO 8601, UTC."""

    def __init__(self, options: Options, redactor: Redactor, countdown: Countdown, started_at: str) -> None:
        self._options = options
        self._redactor = redactor
        self._countdown = countdown
        self._started_at = started_at
        self._resources = contextlib.ExitStack()

    def open(self) -> Opened:
        """Raises UsageProblem for settings, files or cassettes that cannot be used."""
        if self._options.replay is not None and self._options.record is not None:
            raise UsageProblem("--replay and --record exclude each other: leave one of them out")
        if self._options.replay is not None:
            return self._replay(cassettes.path_of(self._options.replay, self._options.cassettes))
        options = self._options
        return self._live(loading.load(options.env_file, required=options.env_file_required, handed=options.settings))

    def close(self) -> None:
        """Gives back the network, and what a replay had shut."""
        self._resources.close()

    def _replay(self, path: Path) -> Opened:
        from keycheck.cassettes.player import Player  # noqa: PLC0415  each run imports what it uses

        self._resources.enter_context(no_sockets())
        player = Player(path)
        label = player.label
        identity = Identity(label.key, signer=None if label.key.missing else _NoSigner())
        deaf = _NoStream("a replay opens no connection, so it cannot tell whether the stream is alive")
        listener = deaf if label.has_stream else None
        return Opened(self._session(player, player, identity, label, HostChecks(), listener), label)

    def _live(self, loaded: Settings) -> Opened:
        from keycheck.network.transport import HttpTransport  # noqa: PLC0415  as above

        identity = self._identity(loaded)
        self._refuse_secrets_elsewhere(loaded)
        label = self._label(loaded, identity.key)
        urls = {Host.FUTURES: loaded.futures_url} | ({Host.WALLET: loaded.wallet_url} if loaded.wallet_url else {})
        http = self._resources.enter_context(contextlib.closing(HttpTransport(urls, loaded.proxy, loaded.ca_bundle)))
        machine, listener = HostChecks(loaded.credential_files), self._listener(loaded, http.is_limited)
        files = tuple(path for _, path in loaded.credential_files)
        if self._options.record is None:
            session = self._session(http, _NoJournal(), identity, label, machine, listener)

            def cancel() -> None:
                http.cancel()
                if listener is not None:
                    listener.cancel()

            return Opened(session, label, loaded.asked, None, files, cancel)
        from keycheck.cassettes.recorder import Recorder  # noqa: PLC0415  as above

        path = cassettes.path_of(self._options.record, self._options.cassettes)
        artefacts.make_folder(path.parent, "--record FOLDER/NAME")
        recorder = Recorder(path, label, self._redactor, http)
        session = self._session(recorder, recorder, identity, label, machine, listener)
        return Opened(session, label, loaded.asked, recorder, files)

    def _identity(self, loaded: Settings) -> Identity:
        held = loaded.credentials
        password = value_parsers.proxy_password(loaded.proxy)
        for text in [*held.to_hide(), *([password.reveal()] if password else [])]:
            self._redactor.learn(text)
        signer = signer_of(held)  # which may be the first to look into a private key: all of it is known by now
        key = facts_of(held, signer.type if signer else None)
        return Identity(key, held.api_key, signer if held.api_key else None)

    def _refuse_secrets_elsewhere(self, loaded: Settings) -> None:
        """Raises UsageProblem for a setting that is shown, or asked of a name server, and holds a piece of a secret."""
        for name, value in loaded.shown.items():
            if self._redactor.finds(value):
                raise UsageProblem(
                    f"{name} holds a part of a credential, and would be shown: look whether lines of the settings were "
                    "mixed up, and correct it"
                )

    def _listener(self, loaded: Settings, is_limited: Callable[[], bool]) -> Listener | None:
        if not loaded.user_stream:
            return None
        if loaded.stream_url is None:
            return _NoStream("BINANCE_FUTURES_URL names another host; BINANCE_STREAM_URL would say where its stream is")
        from keycheck.network.stream import Stream  # noqa: PLC0415  as above

        return Stream(
            loaded.stream_url,
            self._redactor,
            loaded.proxy,
            loaded.ca_bundle,
            endpoint=USER_STREAMS[loaded.environment],
            probe=self._options.probe,
            is_forbidden=is_limited,
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
        )

    def _session(  # noqa: PLR0913, PLR0917  what differs between a replay, a run and a recording
        self,
        transport: Transport,
        journal: clock.Journal,
        identity: Identity,
        label: Label,
        machine: HostChecks,
        listener: Listener | None,
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
            machine=machine,
            listener=listener,
            waiting=Throttle(pause, WEIGHT_LIMITS[label.environment], self._countdown),
        )


class _NoJournal:
    """Live, nobody asks for yesterday's clock."""

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:  # noqa: ARG002  the interface
        return fresh

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:  # noqa: ARG002  the interface
        return ask()


class _NoStream:
    """Where there is a listen key, and nothing that could listen."""

    def __init__(self, why: str) -> None:
        self._why = why

    def listen(self, listen_key: Secret, seconds: float) -> NoReturn:  # noqa: ARG002  the interface of a listener
        raise NotApplicable(self._why)

    def preload(self) -> None:
        """It takes nothing."""

    def cancel(self) -> None:
        """There is nothing to give up."""


class _NoSigner:
    """In replay there is no secret, and cassettes hold a constant in the signature's place."""

    def sign(self, payload: bytes) -> str:  # noqa: ARG002  the interface of a signer
        return scrubbing.CONSTANT
