"""The page "Test your API key" in a real browser, over a server that answers by a script."""

import html
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from keycheck import process
from keycheck.credentials import pasted_text
from keycheck.serve import page as page_files
from tests.browser import Look, Seen, opened, overflow, violations
from tests.exchange import API_KEY, API_SECRET, LocalExchange
from tests.sample_reports import HOSTILE
from tests.serve.scripted_server import BREAK_OFF, HOLD, Answer, ScriptedServer
from tests.serve.serving import Serving

NARROW, WIDE = Look(360, 640), Look()
LOOKS = [size._replace(scheme=scheme) for size in (NARROW, WIDE) for scheme in ("dark", "light")]
KEY, SECRET, RECEIPT = "k" * 64, "s" * 64, "v1.1.0"
PEM = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\nMFcG\n-----END ENCRYPTED PRIVATE KEY-----\n"
CHECK = {"check": "a", "step": 1, "severity": "critical", "outcome": "pass", "title": "A."}
HALF = {"ok": True, "verdict": "OK", "diagnosis": [], "key": {}}
PASTE = """(field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
DROP = """(field, text) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], "key.pem"));
    field.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


@cache
def stream(cassette: str) -> list[dict[str, Any]]:
    """The lines of the endpoint's answer, made from a replayed run."""
    done = process.run({}, ["--replay", cassette])
    names = ("step", "severity", "outcome", "title")
    lines = [{"check": one["id"]} | {name: one[name] for name in names} for one in done.verdict["checks"]]
    receipt = RECEIPT if done.verdict["ok"] else None
    return [*lines, {"verdict": done.verdict, "receipt": receipt, "report": done.page}]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Serves the page, with its button Save."""
    with ScriptedServer(saves=True) as running:
        yield running


@pytest.fixture
def page(server: ScriptedServer, browser: Browser) -> Iterator[Page]:
    """The opened page."""
    with opened(browser, server.url) as seen:
        yield seen.page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def fill_in(page: Page) -> None:
    page.get_by_label("API key", exact=True).fill(KEY)
    page.get_by_label("API secret").fill(SECRET)


def run_to_its_end(page: Page, server: ScriptedServer, cassette: str) -> None:
    """Tests the key, and waits for the verdict."""
    server.answers.append(Answer(stream(cassette)))
    button(page, "Test key").click()
    expect(page.get_by_label("Verdict")).to_be_visible()
    expect(button(page, "Test key")).to_be_enabled()


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS)
def test_every_state_can_be_read_by_everybody(look: Look, server: ScriptedServer, browser: Browser) -> None:
    """In each state axe finds nothing, the page fits its width, logs nothing, and requests nothing elsewhere."""
    healthy = stream("healthy")
    server.answers.append(Answer([*healthy[:12], HOLD, *healthy[12:]]))
    with opened(browser, server.url, look) as seen:
        page = seen.page
        assert_readable(seen)
        fill_in(page)
        button(page, "Test key").click()
        expect(page.get_by_text("Step 4 of 7")).to_be_visible()
        assert_readable(seen)
        server.go_on.set()
        expect(page.get_by_text("This key is fit")).to_be_visible()
        assert_readable(seen)
        for cassette in ("ip-refused", "exchange-trouble", "careless-owner"):
            run_to_its_end(page, server, cassette)
            assert_readable(seen)
        page.get_by_label("API secret").evaluate(PASTE, PEM)
        assert_readable(seen)
        assert [one for one in seen.asked if not one.startswith(server.url)] == []
        server.answers.append(Answer([{"detail": "All slots are taken."}], 429))
        page.get_by_label("Passphrase").fill("x")
        button(page, "Test key").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert violations(seen) == []


def assert_readable(seen: Seen) -> None:
    assert (violations(seen), overflow(seen), seen.said) == ([], 0, [])


@pytest.mark.browser
def test_it_can_be_read_in_letters_of_twice_their_size(page: Page, server: ScriptedServer) -> None:
    """On a narrow screen nothing is cut off, before and after a test."""
    page.set_viewport_size({"width": 360, "height": 640})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert overflow(Seen(page)) == 0
    fill_in(page)
    run_to_its_end(page, server, "ip-refused")
    assert overflow(Seen(page)) == 0
    assert len(page.get_by_text("USD-M", exact=True).last.evaluate("name => [...name.getClientRects()]")) == 1


@pytest.mark.browser
def test_checks_appear_as_they_end(page: Page, server: ScriptedServer) -> None:
    """During a test the checks come one by one, nothing can be changed, and the focus is on Cancel."""
    lines = stream("healthy")
    cut = json.dumps(lines[12])
    server.answers.append(Answer([*lines[:12], cut[:40].encode(), HOLD, cut[40:], *lines[13:]]))
    fill_in(page)
    button(page, "Test key").click()
    expect(page.get_by_role("listitem")).to_have_count(12)
    expect(page.get_by_role("listitem").first).to_have_text("✓ PASS An API key and its secret are given.")
    assert 0.4 < float(page.get_by_role("progressbar").evaluate("bar => bar.position")) < 0.6
    expect(button(page, "Test key")).to_be_disabled()
    expect(page.get_by_label("API key", exact=True)).to_be_disabled()
    expect(button(page, "Cancel")).to_be_focused()
    page.get_by_label("API secret").evaluate(DROP, PEM)
    server.go_on.set()
    expect(page.get_by_role("listitem")).to_have_count(len(lines) - 1)
    expect(page.get_by_label("Verdict")).to_contain_text("This key is fit to trade")
    expect(button(page, "Test key")).to_be_focused()
    expect(button(page, "Cancel")).to_be_hidden()
    expect(page.get_by_label("API secret")).to_have_value(SECRET)
    (asked,) = server.asked
    assert asked.body == {"apiKey": KEY, "apiSecret": SECRET, "environment": "production"}
    assert (asked.path, asked.headers["Accept"]) == ("/binance", "application/x-ndjson")


@pytest.mark.browser
def test_a_verdict_says_what_is_wrong_and_what_to_do(page: Page, server: ScriptedServer) -> None:
    """The causes come in their order with their fixes, as in the report, which can be downloaded."""
    fill_in(page)
    run_to_its_end(page, server, "ip-refused")
    last = stream("ip-refused")[-1]
    expect(page.get_by_role("status")).to_have_text("NOT OK, see below for the causes, and what to do.")
    expect(page.get_by_role("article").get_by_role("heading").first).to_have_text(
        "This machine's address is not on the key's list"
    )
    for shown, one in zip(page.get_by_role("article").all(), last["verdict"]["diagnosis"], strict=True):
        expect(shown).to_contain_text(one["explanation"])
        expect(shown).to_contain_text(f"What to do: {one['fix']}")
    expect(page.get_by_text("Where a fix names the file .env")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the full report").click()
    assert Path(download.value.path()).read_text("utf-8") == last["report"]


@pytest.mark.browser
def test_save_is_only_for_the_tested_values(page: Page, server: ScriptedServer) -> None:
    """Save is active after an OK, until a field is changed, and sends what was tested, with its receipt.

    Blanks and the like around a pasted key are not sent: a run removes them, and the receipt is for what is left.
    """
    fill_in(page)
    around = "".join(one for one in map(chr, range(0x3001)) if pasted_text.clean("", one).secret is None)
    page.get_by_label("API secret").fill(f"{around}{SECRET}{around}")
    run_to_its_end(page, server, "ip-refused")
    expect(button(page, "Save")).to_be_disabled()
    run_to_its_end(page, server, "healthy")
    server.answers.append(Answer([{"detail": "The disk is full."}], 500))
    button(page, "Save").click()
    expect(page.get_by_role("alert")).to_have_text("The disk is full.")
    server.answers.append(Answer())
    button(page, "Save").click()
    expect(page.get_by_role("status")).to_have_text("The key was saved.")
    assert server.asked[-1].path == "/save"
    assert server.asked[-1].body == server.asked[-3].body | {"receipt": RECEIPT}
    assert server.asked[-1].body["apiSecret"] == SECRET
    for field, pressed in (("API key", "x"), ("API secret", "x"), ("Environment", "ArrowDown")):
        run_to_its_end(page, server, "healthy")
        expect(button(page, "Save")).to_be_enabled()
        page.get_by_label(field, exact=True).press(pressed)
        expect(button(page, "Save")).to_be_disabled()
        expect(page.get_by_role("status")).to_contain_text("changed since this verdict")


@pytest.mark.browser
def test_values_that_a_script_changed_are_not_saved(page: Page, server: ScriptedServer) -> None:
    """A script may change a field without a keystroke, so Save compares the values with the tested ones."""
    fill_in(page)
    run_to_its_end(page, server, "healthy")
    page.get_by_label("API key", exact=True).evaluate("field => { field.value = 'another'; }")
    button(page, "Save").click()
    expect(button(page, "Save")).to_be_disabled()
    assert [one.path for one in server.asked] == ["/binance"]


@pytest.mark.browser
def test_errors_are_sentences(page: Page, server: ScriptedServer) -> None:
    """An error on the way is shown in a sentence and is not a verdict, and the key can be tested again."""
    fill_in(page)
    for answer, sentence in (
        (Answer([{"detail": "All slots are taken."}], 429, {"Retry-After": "7"}), "All slots are taken. The next test"),
        (Answer([{"detail": "apiKey is too long."}], 400), "apiKey is too long."),
        (Answer([{"title": "The server is ending"}], 503), "The server is ending"),
        (Answer(["<html>"], 502), "The server answered with HTTP status 502, and without a reason."),
        (Answer([], 302, {"Location": "/login"}), "Sign in again, and reload this page."),
        (Answer([CHECK, BREAK_OFF]), "The server's answer broke off, or made no sense"),
        (Answer([CHECK, "<html>"]), "The server's answer broke off, or made no sense"),
        (
            Answer([CHECK, b'{"verdict": {"ok": true, "verdict": "OK"']),
            "The server's answer broke off, or made no sense",
        ),
        (
            Answer([CHECK, {"verdict": {"ok": False, "verdict": "OK"}}]),
            "The server's answer broke off, or made no sense",
        ),
        (
            Answer([CHECK, {"verdict": {"ok": True, "verdict": "YES"}}]),
            "The server's answer broke off, or made no sense",
        ),
        (Answer([CHECK, {"verdict": HALF}]), "The server's answer broke off, or made no sense"),
        (Answer(["null"]), "The server's answer broke off, or made no sense"),
        (None, "The server could not be reached"),
    ):
        server.answers += [answer] if answer else []
        page.context.set_offline(answer is None)
        button(page, "Test key").click()
        expect(page.get_by_role("alert")).to_contain_text(sentence)
        expect(page.get_by_role("status")).to_have_text("There is no verdict.")
        expect(page.get_by_label("Verdict")).to_have_count(0)
        expect(button(page, "Save")).to_be_disabled()
    page.context.set_offline(False)
    run_to_its_end(page, server, "healthy")
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.browser
def test_the_form_says_of_the_key_what_the_report_says(page: Page, server: ScriptedServer) -> None:
    """The form has the report's sentence, even if no cause lies in the key, and states no claim that does not hold."""
    fill_in(page)
    for cassette, line in (
        ("captive-portal", "Not known: The futures API answers this machine."),
        ("clock-ahead", "Not so: The local clock is within"),
        ("withdrawals-enabled", "Not so: The key cannot withdraw funds."),
    ):
        run_to_its_end(page, server, cassette)
        sentence = re.search(r'kc-sentence">(.*?)</p>', stream(cassette)[-1]["report"])
        assert sentence
        expect(page.locator(".kc-sentence")).to_have_text(re.sub("<.*?>", "", html.unescape(sentence[1])))
        expect(page.get_by_role("listitem").filter(has_text=line)).to_have_count(1)


@pytest.mark.browser
def test_cancel_hangs_up(page: Page, server: ScriptedServer) -> None:
    """Cancel closes the connection, so that the server ends the run; there is no verdict."""
    server.answers.append(Answer([CHECK, HOLD]))
    fill_in(page)
    button(page, "Test key").click()
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.keyboard.press("Enter")  # the focus is on Cancel
    expect(page.get_by_role("status")).to_have_text("The test was cancelled, so nothing is known about the key.")
    assert server.hung_up.wait(10)
    expect(button(page, "Test key")).to_be_focused()


@pytest.mark.browser
def test_a_form_that_is_taken_away_hangs_up(page: Page, server: ScriptedServer) -> None:
    """If the page removes the form during a test, as for another view, the request is aborted."""
    server.answers.append(Answer([CHECK, HOLD]))
    fill_in(page)
    button(page, "Test key").click()
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.locator("keycheck-form").evaluate("form => form.remove()")
    assert server.hung_up.wait(10)


@pytest.mark.browser
@pytest.mark.parametrize("way", ["paste", "drop", "choose"])
def test_a_private_key_takes_the_secrets_place(way: str, page: Page, server: ScriptedServer) -> None:
    """A PEM may be pasted, dropped or chosen; its line breaks stay, and an encrypted one needs its passphrase."""
    fill_in(page)
    if way == "choose":
        with page.expect_file_chooser() as chooser:
            button(page, "choose the file").click()
        chooser.value.set_files({"name": "key.pem", "mimeType": "", "buffer": PEM.encode()})
    else:
        page.get_by_label("API secret").evaluate(PASTE if way == "paste" else DROP, PEM)
    expect(page.get_by_text("PEM of 4 lines, encrypted")).to_be_visible()
    expect(page.get_by_label("Passphrase")).to_be_focused()
    page.keyboard.press("Enter")  # the browser asks for the passphrase
    page.keyboard.type("open sesame")
    server.answers.append(Answer(stream("ip-refused")))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Verdict")).to_be_visible()
    asked = {"apiKey": KEY, "environment": "production", "privateKey": PEM, "passphrase": "open sesame"}
    assert [one.body for one in server.asked] == [asked]
    button(page, "Remove").click()
    expect(page.get_by_label("API secret")).to_be_focused()
    expect(page.get_by_label("API secret")).to_have_value("")


@pytest.mark.browser
def test_another_file_is_not_a_private_key(page: Page) -> None:
    """A file that is not a private key, or too long for one, is refused in a sentence."""
    for way, text in ((DROP, "-----BEGIN PUBLIC KEY-----\n"), (DROP, PEM + "x" * 7000), (PASTE, PEM + "x" * 7000)):
        page.get_by_label("API secret").evaluate(way, text)
        expect(page.get_by_role("alert")).to_contain_text("That is not a private key")
        page.get_by_label("API secret").press("x")
        expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.browser
def test_fields_remember_nothing(page: Page) -> None:
    """No field has a name, is completed or spell-checked; the secret is hidden until Show is pressed."""
    fields = page.locator("keycheck-form input:not([type=file])").all()
    assert len(fields) == 4
    for field in fields:
        found = [field.get_attribute(name) for name in ("name", "autocomplete", "spellcheck")]
        assert found == [None, "off", "false"]
    secret = page.get_by_label("API secret")
    expect(secret).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show the secret").click()
    expect(secret).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide the secret").click()
    expect(secret).to_have_attribute("type", "password")


@pytest.mark.browser
def test_it_can_be_used_by_keyboard_alone(page: Page, server: ScriptedServer) -> None:
    """Tab reaches each control in its order, the focus can be seen, and Enter tests the key."""
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.shadowRoot.activeElement.id"))
        outline = "getComputedStyle(document.activeElement.shadowRoot.activeElement).outlineStyle"
        assert page.evaluate(outline) == "solid"
    assert reached == ["key", "secret", "show", "choose", "environment", "test"]
    fill_in(page)
    server.answers.append(Answer(stream("healthy")))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Verdict")).to_be_visible()


@pytest.mark.browser
def test_hostile_texts_are_texts(server: ScriptedServer, browser: Browser) -> None:
    """Markup in the server's texts is shown as text, and does nothing."""
    *lines, last = stream("ip-refused")
    cause = dict.fromkeys(("cause", "confidence", "explanation", "fix"), HOSTILE) | {"evidence": [HOSTILE]}
    check = last["verdict"]["checks"][0] | {"outcome": "warn", "detail": HOSTILE, "fix": HOSTILE}
    key = {"type": HOSTILE, "lastFour": HOSTILE}
    verdict = last["verdict"] | {"diagnosis": [cause], "checks": [check], "symbol": HOSTILE, "key": key}
    hostile = dict.fromkeys(("check", "severity", "outcome", "title"), HOSTILE) | {"step": 0}
    server.answers.append(Answer([*lines, hostile, {"verdict": verdict, "receipt": None}]))
    server.answers.append(Answer([{"title": HOSTILE, "detail": HOSTILE}], 400))
    with opened(browser, server.url) as seen:
        fill_in(seen.page)
        button(seen.page, "Test key").click()
        expect(seen.page.get_by_role("article")).to_contain_text("<script>")
        assert (seen.said, overflow(seen)) == ([], 0)
        button(seen.page, "Test key").click()
        expect(seen.page.get_by_role("alert")).to_have_text(re.compile("^<script>"))
        assert seen.page.title() == "Test your API key - Keycheck"
        assert overflow(seen) == 0


@pytest.mark.browser
def test_the_servers_token_is_asked_for_where_it_has_one(browser: Browser) -> None:
    """The token goes into its header; if it is refused, a sentence says so."""
    with ScriptedServer(asks_token=True) as server, opened(browser, server.url) as seen:
        expect(button(seen.page, "Save")).to_have_count(0)
        seen.page.get_by_label("Token of this server").fill("abc")
        fill_in(seen.page)
        server.answers.append(Answer([{"detail": "Send the header."}], 401))
        button(seen.page, "Test key").click()
        expect(seen.page.get_by_role("alert")).to_contain_text("The server takes another token")
        assert server.asked[0].headers["Authorization"] == "Bearer abc"


@pytest.mark.browser
def test_no_key_is_typed_into_a_page_that_others_can_read(server: ScriptedServer, browser: Browser) -> None:
    """If the page comes over plain HTTP from another machine, the form cannot be used."""

    def fulfil(route: Route) -> None:
        kind, text = server.files[route.request.url.removeprefix("http://keys.example")]
        route.fulfill(content_type=kind, body=text)

    with opened(browser, "about:blank") as seen:
        seen.page.route("http://keys.example/**", fulfil)
        seen.page.goto("http://keys.example/")
        expect(seen.page.get_by_role("alert")).to_contain_text("unprotected connection")
        expect(seen.page.get_by_label("API key", exact=True)).to_be_disabled()
        expect(button(seen.page, "Test key")).to_be_disabled()


@pytest.mark.browser
def test_without_javascript_it_names_the_command(server: ScriptedServer, browser: Browser) -> None:
    """Without JavaScript, the page says that it needs it, and names the command that does not."""
    with opened(browser, server.url, Look(script=False)) as seen:
        text = seen.page.locator("main").inner_text()
        assert "This page needs JavaScript" in text
        assert "run the command keycheck" in text


def test_the_colours_are_the_reports() -> None:
    """Each colour of the report is one of the page and of the form, light and dark."""
    report = (Path(page_files.__file__).parents[1] / "report/tokens.css").read_text("utf-8")
    light, dark = (dict(re.findall(r"--(\w+): (#\w+)", part)) for part in report.split("@media"))
    for text in (page_files.style(), page_files.script()):
        assert dict(re.findall(r"--(\w+): light-dark\((#\w+),", text)) == light
        assert dict(re.findall(r"--(\w+): light-dark\(#\w+, (#\w+)\)", text)) == dark


@pytest.mark.browser
def test_the_page_over_its_own_server(exchange: LocalExchange, tmp_path: Path, browser: Browser) -> None:
    """With the endpoint's own headers the page works; its report can be downloaded, and its key can be saved."""
    settings, file = exchange.settings(no_credentials=True), tmp_path / "saved.env"
    with (
        Serving(tmp_path, settings=settings, save_to=file) as serving,
        opened(browser, f"http://127.0.0.1:{serving.port}/") as seen,
    ):
        page = seen.page
        page.get_by_label("API key", exact=True).fill(API_KEY)
        page.get_by_label("API secret").fill(API_SECRET)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Verdict")).to_contain_text("This key is fit", timeout=30_000)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the full report").click()
        assert "<title>OK - Keycheck</title>" in Path(download.value.path()).read_text("utf-8")
        button(page, "Save").click()
        expect(page.get_by_role("status")).to_have_text("The key was saved.")
        assert f"BINANCE_API_SECRET={API_SECRET}" in file.read_text("utf-8")
        assert seen.said == []
