"""A kind of failure, as a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.exchange import LocalExchange, Scenario
from tests.leaks.canaries import BALANCE

Settings = Callable[[LocalExchange], dict[str, str]]

ACCOUNT = {"totalMarginBalance": BALANCE}
RAW = "written to a descriptor under -s, past every Python object: no process can clean its own descriptors"
REPLAY = "--replay and --record exclude each other"
NO_TERMINAL = {"no-terminal": "without a terminal it is never asked for"}
UNCAPTURED = ("live-log", "tee", "all-at-once")


def _as_configured(exchange: LocalExchange) -> dict[str, str]:
    return exchange.settings()


@dataclass(frozen=True)
class Kind:
    """A kind of failure: at the exchange, in a careless check or conftest file, or in the settings.

    `left_out`: modes in which it cannot happen, each with the reason. `happens`: how a run shows that it did happen:
    "mark", careless code has left its mark; "exit", the run failed; "log", the exchange got a request; "stream",
    its stream was opened.
    """

    name: str
    scenario: Scenario = field(default_factory=lambda: Scenario(account=ACCOUNT))
    check: str = ""
    conftest: str = ""
    options: tuple[str, ...] = ()
    settings: Settings = _as_configured
    closed: bool = False  # no server listens
    malformed: bool = False  # a front spoils the headers of every answer
    left_out: Mapping[str, str] = field(default_factory=dict)
    happens: str = "exit"

    @property
    def is_careless(self) -> bool:
        """Whether a careless check takes the secrets; values that no redactor can know are not searched for then."""
        return self.happens == "mark"


def careless(name: str, body: str, *, top: str = "", needs: str = "binance", **more: object) -> Kind:
    """A check that holds key, secret and signed URL, and then does something careless."""
    wanted = "".join(f", {argument}" for argument in needs.split(", ") if argument != "binance")
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    text = (
        f"import os\nimport sys\n\nimport pytest\n\nimport careless\n\n{top}\n\n"
        f"@pytest.mark.critical\ndef test_careless(binance{wanted}):\n"
        '    """Careless code keeps quiet."""\n'
        f"    key, secret, url = careless.take(binance)\n{lines}\n"
    )
    return Kind(name, check=text, happens="mark", **more)  # type: ignore[arg-type]


def careless_plugin(name: str, hooks: str, **more: object) -> Kind:
    """A conftest file that takes the credentials from the environment, and then does something careless."""
    text = (
        "import os\nimport pytest\nimport careless\n\n"
        'KEY, SECRET = os.environ["BINANCE_API_KEY"], os.environ["BINANCE_API_SECRET"]\n\n' + hooks.strip("\n") + "\n"
    )
    return Kind(name, conftest=text, happens="mark", **more)  # type: ignore[arg-type]


def at(path: str, fault: object, **scenario: object) -> Scenario:
    """An exchange that misbehaves at one path, or at `*`."""
    return Scenario(account=ACCOUNT, faults={path: fault}, **scenario)  # type: ignore[arg-type, dict-item]
