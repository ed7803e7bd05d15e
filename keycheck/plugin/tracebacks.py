"""Tracebacks that pytest can show."""


def leave_out_unknown_lines(error: BaseException) -> None:
    """Takes the frames without a line number out of the error's traceback, because pytest fails on them (TypeError).

    Some of Python's instructions belong to no line. Ctrl-C or a time limit may interrupt it at one of them.
    """
    trace = error.__traceback__  # its first frame is pytest's own, which calls a function in a line
    while trace is not None and trace.tb_next is not None:
        following = trace.tb_next
        # typeshed does not know that it may be None.
        if following.tb_lineno is None:
            trace.tb_next = following.tb_next  # type: ignore[unreachable]
        else:
            trace = following
