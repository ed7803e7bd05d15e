"""Careless checks that log and print a key that they should never have taken."""

from tests.leaks.kind import RAW, UNCAPTURED, Kind, careless
from tests.leaks.kinds_raising import ASK

_RAW = dict.fromkeys(UNCAPTURED, RAW)
_LEVELS = "import logging\nlog = logging.getLogger('careless')\n"
_LOUD = f"{ASK}\nimport logging\n"

_PIECES = dict.fromkeys(
    UNCAPTURED, "lines of a print that come one by one, each of fewer than ten characters of a secret"
)

LOGGING = (
    careless(
        "logging at every level",
        "for n in range(0, 60, 5):\n    log.log(n, '%s %s', key, url)\nassert not key",
        top=_LEVELS,
    ),
    careless(
        "logging in a passing check",
        "log.setLevel(1)\nfor n in range(5, 60, 5):\n    log.log(n, '%s %r', key, {url: secret})",
        top=_LEVELS,
    ),
    careless(
        "logging an exception",
        "try:\n    int(url)\nexcept ValueError:\n    log.exception('no %s', secret)",
        top=_LEVELS,
    ),
    careless("logging with wrong arguments", "log.error('%s %d', key, url)", top=_LEVELS),
    careless("logging of urllib3", "logging.getLogger('urllib3').setLevel(1)\nask(url, key)", top=_LOUD),
    careless(
        "logging of http.client", "import http.client as h\nh.HTTPConnection.debuglevel = 1\nask(url, key)", top=ASK
    ),
    careless(
        "logging of the session",
        "for name in [*logging.root.manager.loggerDict]:\n    logging.getLogger(name).setLevel(1)\n"
        "careless.forget_answers(binance)\nbinance.account()",
        top=_LOUD,
    ),
    careless(
        "logging handler of one's own",
        "h = logging.StreamHandler(sys.stderr)\nlog.addHandler(h)\nlog.error(url)\nlog.removeHandler(h)",
        top=_LEVELS,
    ),
    careless("logging extra", "log.error('no', extra={'key': key, 'url': url}, stack_info=True)", top=_LEVELS),
)

PRINTING = (
    careless("print in a passing check", "print(key, url, binance)"),
    careless("print in a failing check", "print(secret, url)\nassert False"),
    careless("print to stderr", "print(key, url, file=sys.stderr)"),
    careless("print in pieces", "for i in range(0, 64, 5):\n    sys.stdout.write(key[i:i + 5])\nprint()"),
    careless("print in base64", "import base64\nprint(base64.b64encode(f'k={key}'.encode()).decode())"),
    careless("print percent-encoded", "print(''.join(f'%{ord(c):02x}' for c in key))"),
    careless("print in escapes", "print(''.join(f'\\\\u{ord(c):04x}' for c in key))"),
    careless("print in entities", "print(''.join(f'&#{ord(c)};' for c in key))"),
    careless("print in hex", "print(key.encode().hex())\nprint(secret.encode().hex(':').upper())\nassert False"),
    careless(
        "print of wrapped base64",
        "import base64\ntext = base64.b64encode(f'key={key}, secret={secret}'.encode()).decode()\n"
        "print(*(text[i:i + 10] for i in range(0, len(text), 10)), sep='\\n')\n"
        "assert [text[i:i + 10] for i in range(0, len(text), 10)] == []",
        left_out=_PIECES,
    ),
    careless("print with zero-width characters", "print('\\u200b'.join(key), '\\u00ad'.join(secret))\nassert False"),
    careless("print in upper and lower case", "print(key.upper(), secret.lower())\nassert False"),
    careless("print into capfd", "print(key, url)\nassert not secret", needs="binance, capfd"),
    careless("print into capteesys", "print(key, url)\nassert not secret", needs="binance, capteesys"),
    careless("print into capsysbinary", "sys.stdout.buffer.write(key.encode())", needs="binance, capsysbinary"),
    careless(
        "print to a stream kept from a check",
        "import atexit\nkept = sys.stdout\nrequest.config.add_cleanup(lambda: kept.write(f'{key}\\n'))\n"
        "request.config.pluginmanager.register(careless.Late(kept, f'{key} {url}\\n'))",
        needs="binance, request",
    ),
    careless("print reversed", "print(key[::-1], secret[::-1])"),
    careless("print of a cut signature", "print(url[-50:-10])\nassert False"),
    careless("print bytes", "sys.stdout.buffer.write(key.encode())\nsys.stdout.flush()"),
    careless("print to the first stdout", "print(key, url, file=sys.__stdout__)"),
    careless("print while capture is off", "with capsys.disabled():\n    print(key, url)", needs="binance, capsys"),
    careless(
        "print of the machine",
        "import getpass, platform\nprint(platform.node(), getpass.getuser(), os.getcwd())",
    ),
    careless("write to descriptor", "os.write(1, key.encode())\nassert False", left_out=_RAW),
    careless(
        "child process prints", "os.system('echo $BINANCE_API_KEY $BINANCE_API_SECRET')\nassert False", left_out=_RAW
    ),
    careless("print at the very end", "import atexit\natexit.register(print, key)"),
)

TELLING: tuple[Kind, ...] = (*LOGGING, *PRINTING)
