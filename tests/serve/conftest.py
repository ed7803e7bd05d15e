"""Fixtures of the endpoint's tests."""

from collections.abc import Iterator

import pytest

from tests.serve.serving import Serving, instant


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """An endpoint whose runs take no time and are OK."""
    with Serving(tmp_path_factory.mktemp("serving"), run=instant) as running:
        yield running
