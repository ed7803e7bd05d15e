"""A pytest plugin for runs without answers: a request ends in 0.4 s instead of 10 s, by the same code."""

SECONDS = 0.4


def pytest_configure() -> None:
    """Shortens the time limit: keycheck's own plugin is imported by now, and nothing has been sent."""
    from keycheck.network import transport  # noqa: PLC0415  pytest imports this module before it rewrites asserts

    transport.REQUEST_SECONDS = SECONDS
