"""Is this Binance API key fit to trade USD-M futures from this machine?

The road from that question to its answer, in the order it is walked:

    settings/         .env and environment -> Settings
    credentials/      pasted text -> API key and signer; credentials/signing.py makes a signature
    redaction/        takes secrets and addresses out of text
    exchange/         what is asked of Binance, and what its answers mean; exchange/endpoints.py lists the only requests
                      that may leave, exchange/session.py is what the checks ask
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
    child.py          the child's own side of that
    invocation.py     starts pytest with the plugins that belong to a run
    caller.py         what starts a run where that is not `pytest suite/`
    __main__.py       the command `keycheck`
    withdrawal.py     the first plugin of a run: holds the report folder, withdraws the last verdict
    host_checks.py    this machine's files and clock, as git and the operating system see them
    bounded_files.py  opens the files that settings and options name, without waiting or reading on for ever
    clock.py          the only reader of the time
    errors.py         why a check could not look, as a tree
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keycheck.api import Cause, CheckResult, Report, check

__version__ = "0.1.0"
__all__ = ["Cause", "CheckResult", "Report", "__version__", "check"]


def __getattr__(name: str) -> Any:
    """Imports the public functions on first use: the suite's plugins import this package at every start."""
    if name in __all__:
        from keycheck import api  # noqa: PLC0415  see above

        return getattr(api, name)
    raise AttributeError(f"module 'keycheck' has no attribute '{name}'")
