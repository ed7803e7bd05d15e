"""Careless checks that raise exceptions with a key that they should never have taken."""

from tests.exchange import Fault
from tests.leaks.kind import Kind, at, careless

_DATA = (
    "from dataclasses import dataclass\n\n@dataclass\nclass Client:\n    session: object\n    key: str\n    url: str\n"
)
_NOBODY = "'http://127.0.0.1:1/fapi/v1/order?' + url.partition('?')[2]"
ASK = "import requests\n\ndef ask(url, key):\n    return requests.get(url, headers={'X-MBX-APIKEY': key}, timeout=2)\n"

ASSERTIONS = (
    careless("assert with session in scope", "assert binance is None"),
    careless("assert key == secret", "assert key == secret"),
    careless("assert key in list", "assert [key, secret] == [secret, url]"),
    careless("assert long diff", "assert '\\n'.join([key, 'a', url]) == '\\n'.join([secret, 'b', url[::-1]])"),
    careless("assert dict", "assert {'session': binance, 'key': key, 'url': url} == {'key': secret}"),
    careless("assert dataclass", "assert Client(binance, key, url) == Client(binance, secret, url)", top=_DATA),
    careless("assert environment", "assert os.environ.get('NO_SUCH_SETTING')"),
    careless("assert settings in scope", "held = binance._client._identity\nassert not (held, vars(held))"),
    careless("assert bytes", "assert key.encode() == bytes(url, 'ascii')"),
    careless("assert with message", "assert not key, f'{key} {url}'"),
)

EXCEPTIONS = (
    careless("exception text", "raise ValueError(f'bad {key} {url}')"),
    careless("exception args", "raise ValueError(key, {'url': url}, [secret])"),
    careless("exception notes", "error = ValueError('no')\nerror.add_note(f'{key} {url}')\nraise error"),
    careless("exception cause", "raise ValueError('no') from RuntimeError(url, key)"),
    careless("exception context", "try:\n    {}[url]\nexcept KeyError:\n    raise ValueError(secret[:12])"),
    careless("exception group", "raise ExceptionGroup(key, [ValueError(url), KeyError(secret)])"),
    careless(
        "exception repr",
        "raise Loud",
        top="class Loud(Exception):\n    def __str__(self):\n        return os.environ['BINANCE_API_KEY']\n",
    ),
    careless("library connection error", f"ask({_NOBODY}, key)", top=ASK),
    careless("library raise_for_status", "ask(url, key).raise_for_status()", top=ASK),
    careless("library invalid header", "ask(url, key + '\\n')", top=ASK),
    careless("system exit", "raise SystemExit(f'{key} {url}')"),
    careless("keyboard interrupt", "raise KeyboardInterrupt(f'{key} {url}')"),
    careless("sigint", "import signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(1)"),
    careless("pytest.exit", "pytest.exit(f'{key} {url}')"),
    careless("pytest.fail", "pytest.fail(f'{key} {url}')"),
    careless("pytest.fail without trace", "pytest.fail(f'{key} {url}', pytrace=False)"),
    careless("skip reason", "pytest.skip(f'{key} {url}')"),
    careless("xfail reason", "pytest.xfail(f'{key} {url}')"),
    careless(
        "thread exception",
        "import threading\nt = threading.Thread(target=lambda: int(url), name=key)\nt.start()\nt.join()",
    ),
    careless(
        "unraisable exception",
        "Loud()",
        top="class Loud:\n    def __del__(self):\n        raise ValueError(os.environ['BINANCE_API_SECRET'])\n",
    ),
    careless("recursion", "def again(key, n):\n    return again(key, n + 1)\nagain(key, 0)"),
    careless("error in teardown", "request.addfinalizer(lambda: int(url))", needs="binance, request"),
    careless(
        "error in a fixture",
        "pass",
        needs="binance, loud",
        top="@pytest.fixture\ndef loud(binance):\n    raise ValueError(careless.take(binance))\n",
    ),
)

_SHOW = """
import traceback
del key, secret, url
careless.forget_answers(binance)
try:
    binance.account()
except Exception as error:
    shown = [*traceback.TracebackException.from_exception(error, capture_locals=True).format()]
    shown += [repr(error), str(error.args), repr(vars(error)), repr(error.__context__), repr(error.__cause__)]
print(*shown, sep='\\n')
assert not shown
"""

SESSION = (
    careless("errors of the session", _SHOW, scenario=at("/fapi/v1/accountConfig", Fault.reset())),
    careless("errors of a malformed answer", _SHOW, scenario=at("/fapi/v1/accountConfig", Fault.echo())),
)

WARNINGS = (
    careless("warning", "import warnings\nwarnings.warn(f'{key} {url}', stacklevel=1)"),
    careless("warning as error", "import warnings\nwarnings.simplefilter('error')\nwarnings.warn(url, stacklevel=1)"),
    careless(
        "resource warning",
        "warn(f'unclosed {url} {key}', ResourceWarning, stacklevel=1)",
        top="from warnings import warn\n",
    ),
)

RAISING: tuple[Kind, ...] = (*ASSERTIONS, *EXCEPTIONS, *SESSION, *WARNINGS)
