"""How many examples hypothesis draws for a test: a quarter in an ordinary run, all in a thorough one.

A run with any -m is thorough, and so is one with --hypothesis-profile=thorough, as CI's is. Examples that a test lists
by @example are always tried.
"""

import pytest
from hypothesis import HealthCheck, settings

_FULL = 100  # hypothesis' own number


def register(config: pytest.Config) -> None:
    """Registers both profiles and loads one; hypothesis' plugin applies --hypothesis-profile afterwards."""
    # On a busy machine, drawing an example takes long, which is not a failure.
    for name, number in (("ordinary", _FULL // 4), ("thorough", _FULL)):
        checks = [HealthCheck.too_slow]
        settings.register_profile(name, max_examples=number, deadline=None, suppress_health_check=checks)
    settings.load_profile("thorough" if config.option.markexpr else "ordinary")


def examples(number: int) -> int:
    """The number of examples in this run, for a test that draws `number` in a thorough one."""
    return max(1, number * settings().max_examples // _FULL)
