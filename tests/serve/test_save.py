"""`POST /save`: a key that was just tested, with its receipt, goes into the file; nothing else does."""

from pathlib import Path

import pytest

from keycheck.settings import loading
from tests.exchange import API_KEY, API_SECRET
from tests.keys import ED25519
from tests.serve.serving import GIVEN, LINES, TOKEN, Answer, Serving, holds_secret, instant


def test_a_tested_key_is_saved(tmp_path: Path) -> None:
    """Only its owner can read the saved file, which holds the tested values; a second save is refused."""
    file = tmp_path / "bot.env"
    with Serving(tmp_path, run=instant, save_to=file) as serving:
        assert b'save="save"' in serving.ask("GET", "/").body
        proof = serving.post().headers["keycheck-receipt"]
        answer = serving.post(GIVEN | {"receipt": proof}, path="/save")
        assert (answer.status, answer.json) == (200, {"saved": True})
        again = serving.post(GIVEN | {"receipt": proof}, path="/save")
    assert (again.status, "--replace" in again.json["detail"]) == (409, True)
    assert file.stat().st_mode & 0o777 == 0o600
    assert loading.load(file, environ={}).environment == "production"
    assert API_KEY in file.read_text()
    assert API_SECRET in file.read_text()


def test_a_private_key_replaces_a_secret(tmp_path: Path) -> None:
    """With --replace, the file's other lines are kept, and the PEM becomes a file beside it."""
    file = tmp_path / "bot.env"
    file.write_text("BINANCE_SYMBOL=ETHUSDT\nBINANCE_API_SECRET=old\n")
    key = {"apiKey": API_KEY, "privateKey": ED25519.private, "environment": "demo"}
    with Serving(tmp_path, run=instant, save_to=file, replace=True) as serving:
        *_, last = serving.post(key, LINES).lines
        assert serving.post(key | {"receipt": last["receipt"]}, path="/save").status == 200
    assert "BINANCE_SYMBOL=ETHUSDT\n" in file.read_text()
    assert "old" not in file.read_text()
    assert loading.load(file, environ={}).environment == "demo"


@pytest.mark.parametrize(
    "other",
    [
        {"apiKey": API_KEY[:-1] + "x"},
        {"apiSecret": API_SECRET + " "},
        {"environment": "demo"},
        {"receipt": "v1.99999999999." + "0" * 64},
        {"receipt": "no receipt"},
    ],
)
def test_untested_values_are_not_saved(other: dict[str, str], tmp_path: Path) -> None:
    """With another key, secret or environment, or with a bad receipt, nothing is written."""
    file = tmp_path / "bot.env"
    with Serving(tmp_path, run=instant, save_to=file) as serving:
        proof = serving.post().headers["keycheck-receipt"]
        answer = serving.post(GIVEN | {"receipt": proof} | other, path="/save")
    assert (answer.status, answer.json["member"]) == (400, "receipt")
    assert not file.exists()
    assert not holds_secret(answer.body)


def test_a_secret_is_not_saved_as_a_private_key(tmp_path: Path) -> None:
    """The receipt of a text that was tested as a secret does not allow saving the same text as a private key."""
    file = tmp_path / "bot.env"
    with Serving(tmp_path, run=instant, save_to=file) as serving:
        proof = serving.post().headers["keycheck-receipt"]
        body = {"apiKey": API_KEY, "privateKey": API_SECRET, "receipt": proof}
        answer = serving.post(body, path="/save")
    assert (answer.status, answer.json["member"]) == (400, "receipt")
    assert not list(tmp_path.glob("bot*"))


def test_saving_is_guarded_as_testing_is(tmp_path: Path) -> None:
    """POST /save is refused without the token or a receipt, and is not there without --save-to."""

    def save(serving: Serving, **headers: str) -> Answer:
        return serving.post(GIVEN, {"Content-Type": "application/json", **headers}, "/save")

    with Serving(tmp_path, run=instant, token=TOKEN.encode(), save_to=tmp_path / "bot.env") as serving:
        assert save(serving).status == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert save(serving, **bearer, Origin="http://evil.example").status == 403
        assert save(serving, **bearer).json["member"] == "receipt"
    with Serving(tmp_path, run=instant) as serving:
        assert save(serving).status == 404
