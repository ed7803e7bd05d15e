"""Secrets and addresses are taken out of text; everything else stays."""

import base64
import hashlib
import html
import json
import re
import string
import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from keycheck.redaction.redactor import HIDDEN, HIDDEN_IP, HIDDEN_IPV6, RUN, Redactor, printable
from tests.keys import RSA
from tests.matrix import mostly_slow

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105  printed in Binance's docs
HEX = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"

secrets = st.text(string.ascii_letters + string.digits, min_size=RUN, max_size=70)
surroundings = st.text(max_size=40)
# Texts made of the signs that the patterns look for, so that the laws are tested where they could break.
TELLING = (
    *("signature=", "listenKey", "X-MBX-APIKEY", ": ", '":"', "=", "[", "]", '"', "\\", "&", " ", HIDDEN, HEX, "abc"),
    *("203.0.113.7", "2001:db8::1", ":", ".", KEY, SECRET[::-1], SECRET[5:20]),
)
shapely = st.lists(st.sampled_from(TELLING), max_size=8).map("".join)


def runs(secret: str) -> set[str]:
    """All runs of ten characters of a secret, forwards and backwards."""
    return {way[i : i + RUN] for way in (secret, secret[::-1]) for i in range(len(way) - RUN + 1)}


@given(secrets, surroundings, surroundings)
def test_a_secret_is_hidden_with_any_text_around_it(secret: str, before: str, after: str) -> None:
    """With any text around a secret, no run of ten characters of it is left, forwards or backwards."""
    redactor = Redactor([secret])
    for shown in (secret, secret[::-1]):
        cleaned = redactor.clean(before + shown + after)
        assert not any(run in cleaned for run in runs(secret))
        assert not redactor.knows(cleaned)
        assert redactor.knows(before + shown + after)


@given(secrets, surroundings, surroundings, st.data())
def test_a_cut_secret_is_hidden_too(secret: str, before: str, after: str, data: st.DataObject) -> None:
    """Half of a secret, as a debugger shows it, is hidden as well."""
    start = data.draw(st.integers(0, len(secret) - RUN))
    end = data.draw(st.integers(start + RUN, len(secret)))
    cleaned = Redactor([secret]).clean(f"{before}{secret[start:end]}...{after}")
    assert not any(run in cleaned for run in runs(secret))


@given(st.lists(secrets, min_size=2, max_size=4))
def test_secrets_that_touch_are_all_hidden(several: list[str]) -> None:
    """Secrets that touch each other are all hidden."""
    cleaned = Redactor(several).clean("".join(several))
    assert not any(run in cleaned for secret in several for run in runs(secret))


@given(secrets, st.text(max_size=200))
def test_innocent_text_is_left_alone(secret: str, text: str) -> None:
    """A text without a run of a secret and without a secret's shape stays as it is."""
    assume(not any(run in text for run in runs(secret)))
    assume(not any(tell in text.lower() for tell in ("signature=", "x-mbx-apikey", "listenkey")))
    assume(sum(c in string.hexdigits for c in text) < 64)
    assert Redactor([secret]).clean(text) == text


@given(shapely)
@example('{"listenKey":"abcdefghij"}')
@example("X-MBX-APIKEY: abc")
@example("signature=abc&x=1")
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """Cleaning a clean text changes nothing: cassettes are cleaned when written and again when read."""
    redactor = Redactor([KEY, SECRET])
    once = redactor.clean(text)
    assert redactor.clean(once) == once
    shared = redactor.clean_shared(text)
    assert redactor.clean_shared(shared) == shared


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a=1&signature=abc%2B&b=2", f"a=1&signature={HIDDEN}&b=2"),
        ('"/x?signature=abc"', f'"/x?signature={HIDDEN}"'),
        ("SIGNATURE=abc", f"SIGNATURE={HIDDEN}"),
        ("X-MBX-APIKEY: abc", f"X-MBX-APIKEY: {HIDDEN}"),
        ("{'x-mbx-apikey': 'abc'}", f"{{'x-mbx-apikey': '{HIDDEN}'}}"),
        ('{"listenKey":"abc"}', f'{{"listenKey":"{HIDDEN}"}}'),
        ("?listenKey=abc&x", f"?listenKey={HIDDEN}&x"),
        (f"got {HEX}.", f"got {HIDDEN}."),
        (HEX.upper(), HIDDEN),
        ("http://jo:hunter22@proxy:3128", f"http://{HIDDEN}@proxy:3128"),
        (HEX[:-1], HEX[:-1]),  # 63 digits do not have the length of a signature
        ("the signature is not valid", "the signature is not valid"),
    ],
)
def test_tell_tale_shapes_are_hidden_unlearned(text: str, cleaned: str) -> None:
    """Signatures, keys in headers, listen keys and 64-digit hex are hidden by their shape alone."""
    assert Redactor().clean(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "action, request ip: 203.0.113.7",
        "IP(203.0.113.7) banned until 1790000000000.",
        "request ip:203.0.113.7",
        "http://203.0.113.7:8080/",
        "203.0.113.7:51234",
        "203.0.113.7/32",
        "from 203.0.113.7.",
        '"203.0.113.7"',
        "::ffff:203.0.113.7",
    ],
)
def test_an_ipv4_address_is_masked_where_it_is_shared(text: str) -> None:
    """With any text around it, an address is masked in shared text and shown to the owner."""
    cleaned = Redactor().clean_shared(text)
    assert "203.0" not in cleaned
    assert HIDDEN_IP in cleaned
    assert "203.0.113.7" in Redactor().clean(text)  # the owner may read it


@pytest.mark.parametrize("text", ["request ip: 2001:db8::1", "[2001:db8::1]:443", "ip:2001:db8::1", "2001:DB8::1, x"])
def test_an_ipv6_address_is_masked_where_it_is_shared(text: str) -> None:
    """IPv6 is masked with a mark of its own, since the version of IP may be the reason for a refusal."""
    cleaned = Redactor().clean_shared(text)
    assert "db8" not in cleaned.lower()
    assert HIDDEN_IPV6 in cleaned


@pytest.mark.parametrize(
    "text",
    ["at 08:13:00 UTC", "2026-11-20T08:13:00Z", "1.2.3", "keycheck::run", "0.001", "12:30"],
)
def test_times_and_versions_are_not_masked_as_addresses(text: str) -> None:
    """Times, versions and figures are not addresses."""
    assert Redactor().clean_shared(text) == text


def test_a_redactor_learns_as_it_goes() -> None:
    """A signature that is made during the run is hidden from then on."""
    redactor = Redactor()
    assert redactor.clean(SECRET) == SECRET
    redactor.learn(SECRET)
    assert redactor.clean(f"<{SECRET}>") == f"<{HIDDEN}>"


@pytest.mark.parametrize("secret", ["", "abc", "true", "abcdefghi"])
def test_a_text_too_short_for_a_key_is_not_hidden(secret: str) -> None:
    """A placeholder is not a secret, and hiding it would blank half of every sentence."""
    redactor = Redactor([secret])
    text = f"see {secret} here"
    assert redactor.clean(text) == text
    assert not redactor.knows(text)


def test_a_redactor_does_not_print_what_it_knows() -> None:
    """The redactor's repr holds no run of a secret."""
    assert not Redactor([SECRET]).knows(repr(Redactor([SECRET])))


@given(st.text(max_size=400), st.integers(5, 300))
def test_printable_text_is_one_harmless_line(text: str, limit: int) -> None:
    """No control character, no direction override, no line end, never longer than asked, and stable."""
    line = printable(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in line)
    assert printable(line, limit) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\r\nb\tc", "a b c"),
        ("\u202eevil\u2066", "evil"),
        ("币安人生", "币安人生"),
        ("x" * 20, "x" * 9 + "…"),
    ],
)
def test_escape_sequences_are_taken_out(text: str, line: str) -> None:
    """Escape sequences, line ends and overrides become blanks; other scripts stay."""
    assert printable(text, 10 if text.startswith("xx") else 300) == line


@given(st.text(alphabet="aB3+/=.é ", max_size=40), st.text(alphabet="aB3+/=.é ", max_size=60), st.integers(0, 400))
def test_the_quick_search_finds_the_same_runs_as_a_slow_one(secret: str, text: str, others: int) -> None:
    """The quick search finds the same runs as a slow one, with any number of secrets."""
    redactor = Redactor([secret, "".join(f"+{n}" for n in range(others))])
    runs = {one[i : i + RUN] for one in (secret, secret[::-1]) for i in range(len(one) - RUN + 1)}
    assert redactor.knows(text) >= any(run in text for run in runs)
    for run in runs:
        assert redactor.knows(f"a{text}{run}{text}9")


@pytest.mark.parametrize(
    "text",
    [
        *("ip203.0.113.77", "client_ip_203.0.113.77", "203.0.113.77ms", "203.000.113.077", "203%2E0%2E113%2E77"),
        *("ec2-203-0-113-77.compute.example", "999.1.2.3"),
    ],
)
def test_an_address_is_masked_with_any_letters_around_it(text: str) -> None:
    """An address in any spelling is masked, with any letters around it."""
    assert not re.search(r"113|999", Redactor().clean_shared(text))


def test_a_text_that_is_cut_ends_with_a_whole_word() -> None:
    """A text is cut at a word's end, since half an address would not be recognised and masked."""
    shown = printable("word " * 10 + "2001:db8:85a3:8d3:1319:8a2e:370:7348", 60)
    assert shown == "word " * 9 + "word…"


OURS = "schemaVersion withdrawals_are_disabled".lower()


@pytest.mark.parametrize(
    ("secret", "text", "cleaned"),
    [
        ("withdrawals_are_disabled", "FAIL withdrawals_are_disabled", "FAIL withdrawals_are_disabled"),
        ("withdrawals_are_disabled", "SDRAWALS_ARE_DISABLED", "SDRAWALS_ARE_DISABLED"),
        (f"{KEY[:20]}schemaVersion", "schemaVersion: 1", "schemaVersion: 1"),
        (f"{KEY[:20]}schemaVersion", f"<{KEY[:20]}schemaVersion>", f"<{HIDDEN}>"),
        (f"{KEY[:20]}schemaVersion", f"<{KEY[5:20]}schemaVer", f"<{HIDDEN}"),
        (f"{KEY[:20]}schemaVersion", f"schemaVersion {KEY[:10]}", f"schemaVersion {HIDDEN}"),
        (f"{HIDDEN}{KEY[:20]}", f"{KEY[10:20]}{KEY[:9]}", HIDDEN),
    ],
)
def test_our_own_words_are_hidden_only_in_a_longer_piece_of_a_secret(secret: str, text: str, cleaned: str) -> None:
    """A run that is also in our own texts is not hidden by itself, but together with more of the secret."""
    redactor = Redactor([secret], vocabulary=lambda: OURS)
    assert redactor.clean(text) == cleaned
    assert redactor.finds(text) is (cleaned != text)


@pytest.mark.parametrize(
    "document",
    [
        '{"schemaVersion": 1, "x": "%s"}',
        '<p class="%s">',
        "<!-- %s -->",
        "<b>a</b> <%s/>",
        "## Head\n- %s",
        '["a", {"%s": []}]',
    ],
)
@pytest.mark.parametrize("way", ["plain", "base64 in short lines"])
def test_a_secret_is_found_anywhere_in_a_document(document: str, way: str) -> None:
    """A secret is found in any place of a document, and in pieces that are a secret only together."""
    packed = base64.b64encode(SECRET.encode()).decode()
    join = '", "' if document.startswith(("{", "[")) else "\n"
    text = SECRET if way == "plain" else join.join(packed[i : i + 10] for i in range(0, len(packed), 10))
    if document.startswith("["):
        document = '["%s"]'
    if document.startswith("{") and way != "plain":
        document = '{"x": ["%s"]}'
    redactor = Redactor([SECRET], vocabulary=lambda: OURS)
    assert redactor.finds(document % text)


def test_a_secret_that_begins_in_the_markup_is_not_found() -> None:
    """A secret is found by ten of its characters; characters that belong to the document's markup do not count."""
    redactor = Redactor(['"detail": "the futures API answered", "fix": "'])
    assert not redactor.finds('{"detail": "the fut", "fix": ""}')
    assert redactor.finds('{"detail": "the futures API", "fix": ""}')


# -- passwords that are short --


@pytest.mark.parametrize("password", ["fox7", "a.b!c", "!!", "Tr0ub4dor", "121212", "$HOME", "päss"])
def test_a_short_password_is_hidden_where_it_stands_alone(password: str) -> None:
    """A password too short for runs is hidden as a whole word, in either case."""
    redactor = Redactor(vocabulary=lambda: OURS)
    redactor.learn_password(password)
    for form in ("{}", "password: {}", "'{}'", "x={}&y", "({}),", "{}\n", "/{}/"):
        for written in (password, password.upper(), password.lower()):
            assert redactor.clean(form.format(written)) == form.format(HIDDEN)
            assert redactor.without_secrets(form.format(written)) == form.format(HIDDEN)
    if password[0].isalnum() and password[-1].isalnum():
        assert redactor.clean(f"x{password}") == f"x{password}"
        assert redactor.clean(f"{password}x") == f"{password}x"


def test_a_password_that_is_a_word_of_ours_stays_where_it_is() -> None:
    """A password `detail` is not hidden in our own texts; otherwise no report would be readable."""
    redactor = Redactor(vocabulary=lambda: '"title": "", "detail": ""')
    redactor.learn_password("detail")
    redactor.learn_password("eta")
    assert redactor.clean('"detail": "x", eta') == f'"detail": "x", {HIDDEN}'


def test_a_long_password_is_a_secret_like_any_other() -> None:
    """Ten characters of a long password are hidden, within words too."""
    redactor = Redactor(vocabulary=lambda: OURS)
    redactor.learn_password("four quick brown foxes")
    assert redactor.clean("xfour quick brx") == f"x{HIDDEN}x"


# -- large texts --

LINE = (
    "08:13:07 DEBUG client.py:71 send: GET /fapi/v1/time weight {n} https://fapi.binance.com/x%20y {{'a': \"b\"}} {sha}"
)


def lines(number: int, secret: str = "") -> str:
    """A log in which some lines hold a long word, such as a hash, and every hundredth line holds `secret`."""
    texts = (LINE.format(n=n, sha=hashlib.sha256(b"%d" % n).hexdigest()[: 40 * (n % 3)]) for n in range(number))
    return "\n".join(text + (secret if n % 100 == 0 else "") for n, text in enumerate(texts))


@pytest.mark.parametrize(
    "before", ["", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE} "], ids=["plain", "longer in lower case"]
)
@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase], ids=lambda change: change.__name__)
def test_a_secret_in_another_letter_case_is_found(change: Callable[[str], str], before: str) -> None:
    """A secret is found in any letter case, even beside a letter that becomes two in lower case."""
    assert Redactor([SECRET]).knows(f"{before}{change(SECRET)}")


def test_a_password_of_one_character_is_hidden_as_a_word() -> None:
    """Even the shortest password is hidden where it is a word by itself, and nowhere else."""
    redactor = Redactor()
    redactor.learn_password("7")
    assert redactor.clean("the password 7, and 17 or 7s") == f"the password {HIDDEN}, and 17 or 7s"


def test_a_plain_secret_takes_nothing_from_a_passphrase_in_another_language() -> None:
    """A passphrase beyond ASCII is found in base64, whatever secrets are learned after it."""
    passphrase = "очень-длинный-пароль"  # noqa: S105  invented
    redactor = Redactor([passphrase, SECRET])
    assert redactor.finds(base64.b64encode(passphrase.encode()).decode())


def test_a_name_of_this_machine_is_replaced_as_it_is_written() -> None:
    """A short name is replaced as a whole word; a long one anywhere, and a dot in it matches only a dot."""
    redactor = Redactor(names={"jo": "[user]", "build.example.org": "[host]"})
    assert redactor.without_names("jo, (jo) joke banjo a.jo jo-x") == "[user], ([user]) joke banjo a.jo jo-x"
    assert redactor.without_names("xbuild.example.orgy") == "x[host]y"
    assert redactor.without_names("build-example-org") == "build-example-org"


def page_of(log: str) -> str:
    """A page as pytest-html writes it, with the log as JSON in an attribute."""
    return f'<html><p data-jsonblob="{html.escape(json.dumps([log]))}"></p>{html.escape(log)}</html>'


LARGE: dict[str, Callable[[int], str]] = {
    "log": lines,
    "page": lambda number: page_of(lines(number)),
    "log with a secret": lambda number: lines(number, f" {SECRET[:40]}"),
    "log with it in base64": lambda number: lines(number, f" {base64.b64encode(SECRET.encode()).decode()}"),
}


@pytest.mark.parametrize("ask", ["clean", "finds"])
@pytest.mark.parametrize("kind", mostly_slow(LARGE, 1))
def test_the_time_does_not_grow_with_the_square_of_the_text(kind: str, ask: str) -> None:
    """Eight times the text takes less than 32 times as long: about twelve, and 64 if the time grew with the square."""

    def seconds(text: str) -> float:
        took = []
        for _ in range(3):
            # A new redactor each time: it has nothing cached.
            redactor = Redactor([SECRET, KEY, RSA.body], {"/home/jo": "[home]"}, lambda: OURS)
            began = time.process_time()
            getattr(redactor, ask)(text)
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(LARGE[kind](1200)) < 32 * seconds(LARGE[kind](150))
