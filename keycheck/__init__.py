"""Is this Binance API key fit to trade USD-M futures from this machine?

The road from that question to its answer, in the order it is walked:

    settings/         .env and environment -> Settings
    credentials/      pasted text -> API key and signer; credentials/signing.py makes a signature
    redaction/        takes secrets and addresses out of text
    exchange/         requests to Binance, and the meaning of its answers; exchange/endpoints.py lists the only requests
                      that may be sent, exchange/session.py answers the checks' questions
    network/          the only package that opens a connection
    cassettes/        recording and replay
    verdict/          findings -> verdict; verdict/weighing.py weighs them
    diagnosis/        the evidence of a run -> its causes, the likeliest first; diagnosis/key.py explains a -2015
    report/           verdict -> verdict.json, report.html, summary.md, terminal text
    run/              one run put together
    plugin/           pytest glue: it translates, it decides nothing

Beside the road:

    api.py            `keycheck.check(...)`: a verdict for another program
    process.py        one run as a child process, and its findings as they come
    child_process.py  starts that child process, and sends and reads its lines
    serve/            `keycheck serve`: the endpoint `POST /binance`, and its page
    fleet/            `keycheck fleet`: the keys of many accounts, each from its own address, and one page
    child.py          the program that runs in that child process
    invocation.py     starts pytest with the plugins of a run, and no others
    purse.py          how much request weight this machine's address may still spend
    receipt.py        proof that a key was just found OK, for a platform that saves it
    caller.py         the folders and settings of a run that `pytest suite/` did not start
    __main__.py       the program `keycheck`, and its exit status
    command.py        the command `keycheck` and its options
    last_verdict.py   removes the last run's reports if a command ends before its run
    exit_status.py    ends the process with 3 after an uncaught exception: Python's own 1 means a failed check
    withdrawal.py     the first plugin of a run: locks the report folder, withdraws the last verdict
    process_limits.py core dumps, and how much memory and how many files this process may use
    host_checks.py    asks git and the operating system about this machine's files and clock
    foreign_links.py  links of other users, which no run follows
    option_values.py  values of options that may not be empty
    bounded_files.py  opens the files that settings and options name, within limits of time and size
    clock.py          the only reader of the time
    errors.py         the exceptions, as a tree: why a check could not look, or why a run did not start
"""

import sys
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):  # noqa: UP036  every Python 3 can read this file, and the others need a newer one
    _WHY = "Keycheck needs Python 3.11 or later, and this is Python " + sys.version.split()[0]
    if sys.argv[0] == "-m":
        sys.stderr.write("ERROR: " + _WHY + ": README.md says how to install it\n")
        sys.exit(4)  # Python itself would end with 1, which stands for a failed check
    raise ImportError(_WHY)

if TYPE_CHECKING:
    from keycheck.api import Cause, CheckResult, Report, check

__version__ = "0.1.0"
__all__ = ["Cause", "CheckResult", "Report", "__version__", "check"]


def __getattr__(name: str) -> Any:
    """Imports the public functions on first use: every run imports this package, and most runs need none of them."""
    if name in __all__:
        from keycheck import api  # noqa: PLC0415  see above

        return getattr(api, name)
    raise AttributeError(f"module 'keycheck' has no attribute '{name}'")
