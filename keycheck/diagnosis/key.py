"""The key and its secret: missing, malformed, mismatched, unknown, from a wrong address or network. Pure."""

import re
from collections.abc import Iterator

from keycheck.credentials.pasted_text import (
    KEY,
    KEY_FILE,
    PASTED_KEY,
    SAME,
    SECRET,
    FileState,
    Source,
    says_no_key,
)
from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView, described, refused
from keycheck.diagnosis.refusal_codes import ADDRESS, AMBIGUOUS, FORMAT, KEY_TYPE, LOCKED, SIGNATURE, UNKNOWN
from keycheck.diagnosis.remedies import EDIT, MENU, new_settings_file
from keycheck.exchange.error_codes import Kind, kind_of
from keycheck.exchange.evidence import Call, System
from keycheck.redaction.redactor import HIDDEN_IP, HIDDEN_IPV6

HIDDEN_IN_A_RECORDING = "hidden in the recording; a live run shows it on its terminal"  # for the address
_SEEN_ADDRESS = re.compile(r"request ip: ?(\[IP(?:v6)? hidden\]|[0-9A-Fa-f:.]{2,45})")

PASTE_AGAIN = (
    "copy both values again from where Binance showed them, and write the lines of .env as BINANCE_API_KEY=... and "
    "BINANCE_API_SECRET=... with no quotes and no blanks. Binance shows a secret once: if it is lost, make a new key "
    f"({MENU} > Create API)"
)
COPY_KEY = (
    f"copy the key again from {MENU}, and write the line of .env as BINANCE_API_KEY=... with no quotes and no blanks; "
    "BINANCE_PRIVATE_KEY_FILE names the private key whose public half was registered with it"
)
_OR_FILE = f" (or, for a key that you made yourself, {KEY_FILE}=... with the file of its private half)"
_PLACES: dict[Source | None, str] = {
    "environment": "the environment",
    "file": "the settings file",
    "program": "the program that started this run",
}
_OUTSIDE = ("environment", "program")
_THAT_NAME = "correct that name; or else "
_MEANT_ENVIRONMENT = "did you mean BINANCE_ENVIRONMENT?"
_IN_NEITHER = "neither in .env nor in the environment"
_NOWHERE: dict[FileState | None, str] = {
    "other": "neither in the settings file nor in the environment",
    "example": "because there is no .env, and the environment has none",
    "absent": "because there is no .env, and the environment has none",
    "program": "because the program that started this run handed none over",
}
_ANOTHERS_SECRET = (
    "Binance found the key and refused the signature: BINANCE_API_SECRET is not the secret of BINANCE_API_KEY.",
    f"{PASTE_AGAIN}. Key and secret must come from the same line in API Management.",
)
_ANOTHERS_KEY = (
    "Binance found the key and refused the signature: this private key does not belong to the public key registered "
    "with BINANCE_API_KEY.",
    "openssl pkey -in FILE -pubout shows the public half of a private key: find the file whose public half is the one "
    f"that {MENU} shows for this key, and name it in BINANCE_PRIVATE_KEY_FILE. If there is none, register the public "
    "half of yours as a new key (Create API > Self-generated) and put that into .env as BINANCE_API_KEY=...",
)


def not_given(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Key or secret is missing."""
    key = seen.evidence.key
    missing, file, misnamed = key.missing, key.sources.file, key.sources.remarks
    if missing:
        yield Diagnosis(
            "no_credentials",
            Confidence.CERTAIN,
            f"{key.not_given}: not given, {_NOWHERE.get(file, _IN_NEITHER)}, so nothing can be signed."
            + "".join(map(_as_sentence, misnamed)),
            (*(f"{name} is empty or absent" for name in missing), *key.remarks),
            _THAT_NAME * bool(misnamed) + _to_give(file, missing, seen.evidence.system),
        )


def _as_sentence(remark: str) -> str:
    """Turns a remark into a sentence, to append it to another sentence."""
    return f" {remark[:1].upper()}{remark[1:]}{'' if remark.endswith('?') else '.'}"


def _to_give(file: FileState | None, missing: tuple[str, ...], system: System | None) -> str:
    """The fix for missing credentials. Its command never overwrites a settings file."""
    lines = f"{' and '.join(f'{name}=...' for name in missing)}{_OR_FILE * (SECRET in missing)}"
    shown = (
        f". Binance shows the secret once, when the key is made ({MENU} > Create API); if it is lost, make a new key"
        if SECRET in missing
        else f", as {MENU} shows it"
    )
    how = {
        "dotenv": f"open .env and fill in {lines}",
        "other": f"open the settings file and fill in {lines}",
        "absent": f"make a file .env that only you can read, and write into it {lines}",
        "program": f"have the program that started this run hand over {lines}",
    }
    new = f"{new_settings_file(system)}; then open .env and fill in {lines}"
    return f"{how.get(file or '', new)}{shown}."


def malformed(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Binance says that the key is malformed (-2014), or it refused the key and the settings look odd."""
    refusals = [call for call in seen.refusals(Kind.AUTHENTICATION) if call.code != LOCKED]
    remarks = seen.evidence.key.remarks
    shape = tuple(filter(says_no_key, remarks))
    said = [call for call in refusals if call.code == FORMAT]
    of_type = [call for call in refusals if call.code in KEY_TYPE]
    if seen.one_host_accepts or not (said or of_type or (refusals and remarks)):
        return
    certain = said or SAME in remarks
    yield Diagnosis(
        "malformed_key",
        Confidence.CERTAIN if certain else Confidence.LIKELY if shape or of_type else Confidence.POSSIBLE,
        _what_is_odd(bool(said), shape or remarks),
        (*remarks, *map(str, said or of_type or refusals)),
        f"{COPY_KEY if seen.evidence.key.has_private_key else PASTE_AGAIN}.",
    )


def _what_is_odd(said: bool, remarks: tuple[str, ...]) -> str:
    if SAME in remarks:
        return "Key and secret are the same text: one of them was pasted twice, and no key is its own secret."
    if said:
        return "Binance says that this is not an API key: it is empty, cut, or has something around it."
    if remarks:
        return f"Binance refuses the key, and what was pasted is not as Binance shows it: {remarks[0]}."
    return "Binance refuses the key for its type: what was given is not what was registered."


def signature_is_refused(seen: EvidenceView) -> bool:
    """Whether Binance refused every signature that it judged (-1022)."""
    refusals = seen.refusals(Kind.AUTHENTICATION)
    return any(call.code == SIGNATURE for call in refusals) and not seen.one_host_accepts


def wrong_secret(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Binance refused the signature (-1022): it was not made with the key's secret.

    The request for a listen key carries the key and no signature. If Binance accepts it, key and address are right, so
    the secret is wrong. If Binance refuses it too, the key may be mistyped instead.
    """
    if not signature_is_refused(seen):
        return
    said = [call for call in seen.refusals(Kind.AUTHENTICATION) if call.code == SIGNATURE]
    unsigned = seen.listen_key
    confidence = Confidence.LIKELY
    if unsigned is not None and unsigned.accepted:
        # A malformed key or secret in .env is a cause of its own, which should stand above this one.
        odd = any(map(says_no_key, seen.evidence.key.remarks))
        confidence, said = Confidence.LIKELY if odd else Confidence.CERTAIN, [*said, unsigned]
    elif unsigned is not None and kind_of(unsigned.code) is Kind.AUTHENTICATION:
        confidence = Confidence.POSSIBLE
        yield _unknown_key(described([unsigned]), likely=True)
    yield from _mixed_sources(seen, confidence, described(said))
    explanation, fix = _ANOTHERS_KEY if seen.evidence.key.has_private_key else _ANOTHERS_SECRET
    yield Diagnosis("wrong_secret", confidence, explanation, described(said), fix)


def not_accepted(seen: EvidenceView) -> Iterator[Diagnosis]:
    """No host accepts the key: it is unknown, used from a wrong address, or a key of the other network.

    Binance's text is the same for all three. An address in it does not prove that the key has an address list: Binance
    wrote one to a key of the other network, too (Binance_Futures_python#60). On production, an address makes the list
    the likeliest cause; the demo network has no wallet API to tell the causes apart. A misspelt BINANCE_ENVIRONMENT
    makes the other network the likeliest: usually, its line says demo.
    """
    refusals = seen.refusals(Kind.AUTHENTICATION)
    said = [call for call in refusals if call.code in {UNKNOWN, ADDRESS, *AMBIGUOUS}]
    if not said or seen.one_host_accepts or any(call.code == SIGNATURE for call in refusals):
        return
    evidence = described(said)
    codes = {call.code for call in said}
    address = _address(said)
    demo = seen.evidence.environment == "demo"
    misspelt = next((one for one in seen.evidence.key.sources.remarks if one.endswith(_MEANT_ENVIRONMENT)), "")
    is_doubtful = demo or bool(misspelt)
    by_address = ADDRESS in codes or (address is not None and not is_doubtful)
    likely = UNKNOWN in codes and not is_doubtful
    if ADDRESS not in codes:
        as_sure = Confidence.LIKELY if likely else Confidence.POSSIBLE
        yield from _mixed_sources(seen, as_sure, evidence)
        yield from _swapped(seen, as_sure, evidence)
    yield _unknown_key(evidence, likely=likely)
    if UNKNOWN not in codes:
        yield _ip_not_allowed(evidence, address, likely=by_address)
    yield _wrong_environment(evidence, misspelt, demo=demo, likely=is_doubtful and not by_address)


def _mixed_sources(seen: EvidenceView, confidence: Confidence, evidence: tuple[str, ...]) -> Iterator[Diagnosis]:
    """Key and secret came from two places: usually, one of them is left over from an older pair."""
    key = seen.evidence.key
    if not key.sources.are_two:
        return
    secret = KEY_FILE if key.has_private_key and PASTED_KEY not in key.remarks else SECRET
    from_outside = KEY if key.sources.key in _OUTSIDE else secret
    unset = (
        f"unset {from_outside} (PowerShell: Remove-Item Env:{from_outside}), and take its line out of what sets it"
        if "environment" in (key.sources.key, key.sources.secret)
        else f"have the program that started this run hand over both, or neither: it gave {from_outside}"
    )
    yield Diagnosis(
        "mixed_sources",
        confidence,
        f"{KEY} comes from {_PLACES[key.sources.key]}, and {secret} from {_PLACES[key.sources.secret]}. The two "
        f"{'do' if confidence is Confidence.CERTAIN else 'may'} not belong together: one of them may be left from "
        "another pair.",
        evidence,
        f"{unset}; then write key and secret of one pair into the settings file.",
    )


def _swapped(seen: EvidenceView, confidence: Confidence, evidence: tuple[str, ...]) -> Iterator[Diagnosis]:
    """Binance does not know the key, and the secret looks like a key: the two may be swapped."""
    key = seen.evidence.key
    if key.type == "HMAC" and not any(map(says_no_key, key.remarks)):
        yield Diagnosis(
            "swapped_credentials",
            confidence,
            f"Key and secret may be swapped: both have 64 letters and digits, and Binance refuses what was given as "
            f"{KEY}.",
            evidence,
            f"{MENU} shows the key beside its name, and never the secret: if what it shows stands in the line of "
            f"{SECRET}, exchange the two values.",
        )


def another_address(seen: EvidenceView) -> Iterator[Diagnosis]:
    """The futures API refuses what another answer accepts, and the key has an address list that may be the cause.

    A machine may reach Binance from several addresses. Without a list, the address is not the cause: the text also
    named one when the futures permission was missing (node-binance-api#629), and when the account had no futures
    account (binance_futures_bot#3).
    """
    wallet = seen.wallet
    if wallet is None or not wallet.accepted or seen.flag("ipRestrict") is not True or _is_of_the_account(seen):
        return
    for call in (seen.account, seen.order):
        if call is None or not refused(call):
            continue
        if call.code == ADDRESS or list_may_refuse(call, seen):
            evidence = ("ipRestrict is true", str(call))
            yield _ip_not_allowed(evidence, _address([call]), likely=call.code == ADDRESS, accepted_others=True)
            return


def list_may_refuse(call: Call, seen: EvidenceView) -> bool:
    """Whether this refusal's text names an address, and the key has an address list."""
    return call.code in AMBIGUOUS and _address([call]) is not None and seen.flag("ipRestrict") is True


def _is_of_the_account(seen: EvidenceView) -> bool:
    """Whether the wallet's account/info gives a reason for the refusal."""
    margin = seen.account_flag("isPortfolioMarginRetailEnabled")
    return bool(margin) or seen.account_flag("isFutureEnabled") is False


def _unknown_key(evidence: tuple[str, ...], *, likely: bool) -> Diagnosis:
    return Diagnosis(
        "unknown_key",
        Confidence.LIKELY if likely else Confidence.POSSIBLE,
        "Binance does not know this key: it was mistyped, deleted by its owner, or deleted by Binance, which does so "
        "with keys that have no address list.",
        evidence,
        f"look for this key under {MENU}. If it is not there, make a new one and put it into .env as "
        "BINANCE_API_KEY=... and BINANCE_API_SECRET=...; if it is, copy it again.",
    )


def _ip_not_allowed(
    evidence: tuple[str, ...], address: str | None, *, likely: bool, accepted_others: bool = False
) -> Diagnosis:
    what = (
        "The key works only from listed addresses. Binance accepted other requests of this run, so this machine may "
        "reach Binance from several addresses, of which one is not on the list."
        if accepted_others
        else "The key works only from listed addresses, and this machine's is not among them."
    )
    seen_as = f" Binance saw the address {address}." if address else ""
    over_ipv6 = address is not None and (":" in address or "IPv6" in address)
    if over_ipv6:
        seen_as += " That is an IPv6 address, and address lists are made of IPv4 ones."
    is_recorded = address in (HIDDEN_IP, HIDDEN_IPV6)  # a live run's answers still have the address here
    named = HIDDEN_IN_A_RECORDING if is_recorded else address
    which = f"the address that Binance saw: {named}" if address else "this machine's public address"
    return Diagnosis(
        "ip_not_allowed",
        Confidence.LIKELY if likely else Confidence.POSSIBLE,
        f"{what}{seen_as}",
        evidence,
        f"{EDIT} > Restrict access to trusted IPs only: add {which}. Then save."
        + " Have this machine reach Binance over IPv4, and add its IPv4 address." * over_ipv6
        + " Behind a VPN, a proxy or a cloud's gateway it is their address that counts. The field takes "
        "several addresses, separated by blanks.",
    )


def _wrong_environment(evidence: tuple[str, ...], misspelt: str, *, demo: bool, likely: bool) -> Diagnosis:
    here, there = ("the test network", "production") if demo else ("production", "the test network (demo)")
    line = "take the line BINANCE_ENVIRONMENT=demo out of .env" if demo else "write BINANCE_ENVIRONMENT=demo into .env"
    return Diagnosis(
        "wrong_environment",
        Confidence.LIKELY if likely else Confidence.POSSIBLE,
        f"The run asked {here}, but the key may belong to {there}: each knows only its own keys."
        + (_as_sentence(misspelt) if misspelt else ""),
        (f"BINANCE_ENVIRONMENT is {'demo' if demo else 'production'}", *evidence),
        f"if the key was made for {there}, {line}, or make a key for {here}.",
    )


def _address(calls: list[Call]) -> str | None:
    """The address that Binance saw, if its text names one (masked if the text is)."""
    found = [match[1].rstrip(".") for call in calls if (match := _SEEN_ADDRESS.search(call.message))]
    return found[0] if found else None
