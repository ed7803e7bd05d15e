"""The views of docs/saving.md save what was found OK, and nothing else."""

import contextlib
import http.client
import importlib.util
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from keycheck import receipt
from tests.exchange import API_KEY, API_SECRET, LocalExchange, Scenario
from tests.running import ROOT
from tests.serve.served import served

KEY = b"k" * 32
GIVEN = {"apiKey": API_KEY, "apiSecret": API_SECRET, "environment": "production"}
# Django compares the header with the cookie.
HEADERS = {"Content-Type": "application/json", "Cookie": f"csrftoken={'c' * 32}", "X-CSRFToken": "c" * 32}


class Platform(NamedTuple):
    """A platform that is served at `url`, and what it has saved."""

    url: str
    saved: list[tuple[str, str, str]]

    def post(self, path: str, body: Mapping[str, Any] | bytes) -> tuple[int, str, bytes]:
        """Status, receipt and body of the answer."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body), HEADERS)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Keycheck-Receipt", ""), answer.read()


def module(name: str) -> ModuleType:
    """One of docs/examples."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/examples/{name}.py")
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def django_example() -> ModuleType:
    """The view, in a project made for the tests; Django allows only one project in a process."""
    from django.conf import settings  # type: ignore[import-untyped]  # noqa: PLC0415  no other test needs it
    from django.urls import path  # type: ignore[import-untyped]  # noqa: PLC0415  as above

    found = module("save_django")
    found.urlpatterns = [path("accounts", found.save)]  # type: ignore[attr-defined]
    settings.configure(
        SECRET_KEY="of these tests",  # noqa: S106
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=found,
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        KEYCHECK_RECEIPT_KEY=KEY,
    )
    return found


@pytest.fixture(params=["starlette", "django"])
def platform(
    request: pytest.FixtureRequest, exchange: LocalExchange, tmp_path: Path, django_example: ModuleType
) -> Iterator[Platform]:
    """An example, whose keys are tested at the local exchange."""
    options = {"settings": exchange.settings(no_credentials=True), "purse_folder": tmp_path / "purse"}
    if request.param == "django":
        saved, app = django_example.saved, django_example.application(**options)
        saved.clear()
    else:
        example = module("save_starlette")
        accounts = example.Accounts(KEY)
        saved, app = accounts.saved, example.app(accounts, **options)
    with served(app) as url:
        yield Platform(url, saved)


@pytest.mark.slow
def test_a_key_that_was_found_ok_is_saved(platform: Platform, exchange: LocalExchange) -> None:
    """A key is saved with the receipt of its test; a key that is not OK gets no receipt, and is not saved."""
    status, made, _ = platform.post("/keycheck/binance", GIVEN)
    assert (status, bool(made)) == (200, True)
    assert platform.post("/accounts", GIVEN | {"receipt": made, "privateKey": "not tested"})[0] == 201
    assert platform.saved == [(API_KEY, API_SECRET, "")]
    exchange.scenario = Scenario(ip_allowed=False)
    status, made, verdict = platform.post("/keycheck/binance", GIVEN)
    assert (status, made, json.loads(verdict)["ok"]) == (200, "", False)
    assert platform.post("/accounts", GIVEN | {"receipt": made})[0] == 400
    assert len(platform.saved) == 1


def test_nothing_else_is_saved(platform: Platform) -> None:
    """A receipt that is forged, expired, senseless, or of another receipt key, environment or secret saves nothing."""
    tested: dict[str, Any] = {"api_key": API_KEY, "api_secret": API_SECRET, "environment": "production"}
    good = receipt.make(KEY, **tested)
    odd: list[Mapping[str, Any] | bytes] = [
        GIVEN,
        GIVEN | {"receipt": good[:-1] + ("0" if good[-1] != "0" else "1")},
        GIVEN | {"receipt": receipt.make(KEY, now=time.time() - 901, **tested)},
        GIVEN | {"receipt": receipt.make(b"K" * 32, **tested)},
        GIVEN | {"receipt": receipt.make(KEY, **(tested | {"environment": "demo"})), "environment": "demo"},
        GIVEN | {"receipt": good, "apiSecret": "x" * 64},
        GIVEN | {"receipt": good, "passphrase": "x"},
        {"receipt": good, "apiKey": API_KEY},
        {"receipt": [good], "apiKey": None, "apiSecret": {}},
        *(b"", b"no JSON", b"[]", b"\xff", b"[" * 100_000),
    ]
    for body in odd:
        status, _, answer = platform.post("/accounts", body)
        assert status == 400, body
        assert json.loads(answer)["detail"].endswith("test the key again.")
        assert API_SECRET[:10].encode() not in answer
    assert platform.saved == []
    assert platform.post("/accounts", GIVEN | {"receipt": good})[0] == 201
