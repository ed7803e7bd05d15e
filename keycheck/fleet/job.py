"""The job of one account: the function that a lane's machine runs. Text in, text out; no text holds a secret.

    in   {"account", "settings", "lane", "share", "sharing"}
    out  {"account", "verdict", "page", "weight"}       verdict.json, report.html, and the request weight that was spent
         {"account", "wait", "why"}                     no weight is left for `wait` seconds: nothing was sent

The lane's machine does not trust the text: it checks names and settings again. It finds the credentials in its own
folder of keys, and takes hosts, proxy and CA file from NAME.env or from its own environment.
"""

import contextlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from keycheck import bounded_files, process
from keycheck.errors import UsageProblem
from keycheck.exchange import answers
from keycheck.exchange.hosts import route_of
from keycheck.fleet.accounts import Account, Lane
from keycheck.fleet.public_answers import PublicAnswers
from keycheck.purse import MINUTE, RUN, SHARED_RUN, Empty, Purse, Unusable
from keycheck.redaction.redactor import RUN as SHORTEST_PART
from keycheck.redaction.redactor import Redactor
from keycheck.settings import loading
from keycheck.settings.loading import Settings

NAMED_AFTER_KEY = "its name or its lane's holds a part of its key or secret"
_FIELDS = ("account", "settings", "lane", "share", "sharing")
_LONGEST = 2**14  # characters of a job
_PUBLIC = PublicAnswers()
# Words of a run about options that a fleet does not have -> the words that replace them.
_FITS_A_FLEET = {
    "--env-file: ": "",
    "check --env-file": "put it into the folder of keys on its lane's machine",
    ", or name another with --env-file": "",
}


def text_of(account: Account, lane: Lane, *, sharing: bool) -> str:
    """The text of an account's job."""
    fields = {"account": account.name, "settings": dict(account.settings), "lane": lane.name}
    return json.dumps(fields | {"share": lane.share, "sharing": sharing})


def run_job(text: str, keys: Path | None = None, cancel: process.Event | None = None) -> str:
    """Tests an account's key from this machine.

    `keys`: the folder of NAME.env files; by default the one that KEYCHECK_KEYS names. `cancel`: as in `process.run`.
    Raises ValueError for a text that is not a job.
    """
    account, lane, sharing = _read(text)
    try:
        answer = _run(account, lane, sharing, keys or loading.keys_folder(), cancel)
    except Unusable as problem:
        why, _, fix = str(problem).partition(": ")
        answer = _answer(process.not_begun(f"{why}.", fix))
    except Empty as empty:
        answer = {"wait": empty.seconds, "why": str(empty)}
    except (UsageProblem, process.UnusableSettings) as problem:
        answer = _answer(_unusable(str(problem)))
    return json.dumps({"account": account.name} | answer)


def _run(account: Account, lane: Lane, sharing: bool, keys: Path, cancel: process.Event | None) -> dict[str, Any]:
    """Runs the suite; returns the answer's fields. Raises Empty, UsageProblem, UnusableSettings if nothing was sent."""
    env_file = keys / f"{account.name}.env"
    settings, loaded = _settings(account, env_file)
    if _shows_a_secret(account, loaded):
        raise UsageProblem(f"{NAMED_AFTER_KEY}, and all files of the fleet show both: rename it, and delete them")
    if loaded.ca_bundle:
        settings["BINANCE_CA_BUNDLE"] = loaded.ca_bundle
    purse = Purse(loading.purse_folder(), lane.share, loaded.environment, loaded.route)
    shared = _PUBLIC.fresh(loaded.source) if sharing else ""
    run = partial(process.run, settings, env_file=env_file, shared=shared, cancel=cancel)
    more = loaded.more_weight
    try:
        finished = purse.spend(run, RUN + more, (SHARED_RUN if shared else RUN) + more)
    except Empty as empty:
        of_lane = route_of(settings.get("BINANCE_FUTURES_URL", ""), settings.get("BINANCE_PROXY", ""))
        if loaded.route == of_lane or empty.seconds <= MINUTE:
            raise
        # Only this account has to wait so long for its own host or proxy: the other accounts of the lane must not.
        why, _, _ = str(empty).rpartition(" Try again")
        return _answer(process.not_begun(why, f"test this account again in {empty.seconds} s"))
    _PUBLIC.keep(loaded.source, finished.public)
    return _answer(finished)


def named_by_a_secret(fleet: Sequence[Account], keys: Path) -> Account | None:
    """The first account whose name or lane holds ten characters of its own key or secret; None if there is none."""
    for account in fleet:
        if max(len(account.name), len(account.lane)) >= SHORTEST_PART:
            with contextlib.suppress(UsageProblem):  # its run will say that
                if _shows_a_secret(account, _settings(account, keys / f"{account.name}.env")[1]):
                    return account
    return None


def _settings(account: Account, env_file: Path) -> tuple[dict[str, str], Settings]:
    """An account's settings beside its file, and all of them. Raises UsageProblem."""
    beside = loading.of_a_server(Path(bounded_files.NOWHERE), required=False) | dict(account.settings)
    return beside, loading.load(env_file, required=True, environ=beside)


def _shows_a_secret(account: Account, loaded: Settings) -> bool:
    secrets = Redactor(loaded.credentials.to_hide())
    return secrets.finds(account.name) or secrets.finds(account.lane)


def _answer(finished: process.Finished) -> dict[str, Any]:
    return {"verdict": finished.verdict, "page": finished.page, "weight": finished.limits.spent}


def _unusable(sentence: str) -> process.Finished:
    for words, fitting in _FITS_A_FLEET.items():
        sentence = sentence.replace(words, fitting)
    why, _, fix = sentence.partition(": ")
    return process.not_begun(f"This account's settings cannot be used: {why}.", fix or "correct them, and run again")


def _read(text: str) -> tuple[Account, Lane, bool]:
    """The account, lane and `sharing` of a job's text. Raises ValueError if it is not a job."""
    job = answers.strict(text.encode(errors="replace")) if len(text) <= _LONGEST else None
    named = tuple(job.get(field) for field in _FIELDS) if isinstance(job, dict) and len(job) == len(_FIELDS) else ()
    match named:
        case (str(name), dict(settings), str(lane), float(share), bool(sharing)):
            if all(isinstance(one, str) for one in settings.values()):
                try:
                    return Account(name, lane, settings), Lane(lane, share), sharing
                except UsageProblem as problem:
                    raise ValueError(str(problem)) from None
    raise ValueError("this is not a job of a fleet: driver and lane must have the same version of keycheck")
