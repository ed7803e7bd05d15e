"""The program `keycheck`, and `python -m keycheck`: the command of `command.py`, with its exit status.

It imports almost nothing by itself, because a Ctrl-C may come while the command's modules are imported.
"""

import sys

from keycheck import exit_status

_OTHER_COMMANDS = (["fleet"], ["serve"])  # they leave the reports of a single run alone


def program() -> int:
    """`main` as a program: the process ends here, unless somebody profiles it."""
    status = main()
    exit_status.end_soon(status, program.__name__)
    return status


def main() -> int:
    """Runs the command with the options in sys.argv, and returns its exit status, as README lists them."""
    exit_status.keep()
    arguments = sys.argv[1:]
    try:
        from keycheck import command  # noqa: PLC0415  see above

        return command.main(arguments)
    except KeyboardInterrupt:
        # While modules are imported: during a run, pytest catches it, and has withdrawn the last verdict.
        if arguments[:1] not in _OTHER_COMMANDS:
            from keycheck import last_verdict  # noqa: PLC0415  see above

            last_verdict.withdraw(arguments)
        raise


if __name__ == "__main__":
    sys.exit(program())
