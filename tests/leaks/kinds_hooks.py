"""Conftest files whose careless hooks leak secrets, and runs that end suddenly."""

from tests.leaks.kind import NO_TERMINAL, Kind, careless, careless_plugin

_SUDDEN = "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
_HOOK = "    careless.happened()\n    raise RuntimeError(KEY, SECRET)\n"

HOOKS = (
    careless_plugin("conftest import error", "careless.happened()\nraise RuntimeError(KEY, SECRET)"),
    careless_plugin("conftest prints", "careless.happened()\nprint(KEY, SECRET)"),
    careless_plugin(
        "conftest warns", "import warnings\ncareless.happened()\nwarnings.warn(f'{KEY} {SECRET}', stacklevel=1)"
    ),
    careless_plugin("error in configure", f"def pytest_configure():\n{_HOOK}"),
    careless_plugin(
        "usage error in configure",
        "def pytest_configure():\n    careless.happened()\n    raise pytest.UsageError(KEY)\n",
    ),
    careless_plugin("error in sessionstart", f"def pytest_sessionstart():\n{_HOOK}"),
    careless_plugin("error in collection", f"def pytest_collection_modifyitems():\n{_HOOK}"),
    careless_plugin("internal error in makereport", f"def pytest_runtest_makereport(item, call):\n{_HOOK}"),
    careless_plugin("internal error in logreport", f"def pytest_runtest_logreport(report):\n{_HOOK}"),
    careless_plugin(
        "internal error in protocol",
        f"@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_protocol(item):\n    yield\n{_HOOK}",
    ),
    careless_plugin("error in sessionfinish", f"def pytest_sessionfinish():\n{_HOOK}"),
    careless_plugin("error in summary", f"def pytest_terminal_summary():\n{_HOOK}", left_out=NO_TERMINAL),
    careless_plugin("error in unconfigure", f"def pytest_unconfigure():\n{_HOOK}"),
    careless_plugin("print in unconfigure", "def pytest_unconfigure():\n    careless.happened()\n    print(KEY)\n"),
    careless_plugin(
        "report header",
        "def pytest_report_header():\n    careless.happened()\n    return [KEY, SECRET]\n",
        left_out=NO_TERMINAL,
    ),
    careless_plugin(
        "summary line",
        "def pytest_terminal_summary(terminalreporter):\n    careless.happened()\n"
        "    terminalreporter.write_line(f'{KEY} {SECRET}')\n",
        left_out=NO_TERMINAL,
    ),
)

ENDS = (
    careless(
        "timeout by signal",
        "import time\ntime.sleep(3)",
        top="pytestmark = pytest.mark.timeout(0.3, method='signal')\n",
    ),
    careless(
        "timeout by thread",
        "import time\nprint(key)\ntime.sleep(3)",
        top="pytestmark = pytest.mark.timeout(0.3, method='thread')\n",
    ),
    careless("os._exit", "print(key, flush=True)\nos._exit(3)"),
    careless("abort", f"{_SUDDEN}print(key, flush=True)\nos.abort()"),
    careless(
        "faulthandler dump", "import faulthandler\nfaulthandler.dump_traceback(file=sys.__stderr__)\nassert False"
    ),
    # Two seconds, which no other check takes: Python 3.11 itself crashed in one dump of twenty while threads ran.
    careless("faulthandler timeout", "import time\ntime.sleep(2.5)", options=("-o", "faulthandler_timeout=2")),
)

STAGES: tuple[Kind, ...] = (*HOOKS, *ENDS)
