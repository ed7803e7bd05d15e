"""`--notify URL`: posts a fleet's changes to a URL: names of accounts and causes, verdicts and counts, nothing else."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keycheck import clock
from keycheck.errors import Unreachable
from keycheck.fleet.changes import Change, Changes, State
from keycheck.network import post

SECONDS = 30.0  # for all attempts together
_ATTEMPT_SECONDS = 8.0
_PAUSES = (0.0, 1.0, 4.0)  # seconds before each attempt
_MOST = 1000  # accounts in one post; `counts` counts all of them
_MOST_LINES = 20  # accounts in a text for people


def notify(url: str, changes: Changes, *, format: str = "json") -> str:
    """Posts the changes, if there are any. Returns "", or a sentence that says why that failed.

    `format`: one of FORMATS. If there is no answer, or HTTP 429 or 5xx, it tries again, at most twice.
    Raises ValueError for a URL that `post.refusal` refuses.
    """
    if not changes.changed:
        return ""
    body = json.dumps(FORMATS[format](changes)).encode()
    watch, why = clock.Stopwatch(), ""
    for pause in _PAUSES:
        left = SECONDS - watch.seconds - pause
        if left <= 0:
            break
        clock.Sleep().wait(pause, lambda _: None)
        try:
            status = post.post(url, body, min(left, _ATTEMPT_SECONDS))
        except Unreachable as error:
            why = str(error)
            continue
        if 200 <= status < 300:
            return ""
        why = f"its host answered with HTTP {status}"
        if status != 429 and status < 500:
            break
    return f"the changes could not be posted to the URL of --notify ({why}): check it; the next run tries again"


def _json(changes: Changes) -> dict[str, Any]:
    changed = [
        {"account": one.account, "was": _verdict(one.was), "now": _verdict(one.now), "causes": _causes(one.now)}
        for one in changes.changed[:_MOST]
    ]
    return {"changed": changed, "counts": changes.counts | {"changed": len(changes.changed)}}


def _slack(changes: Changes) -> dict[str, Any]:
    """A message as Slack's incoming webhooks take it: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    counts = ", ".join(f"{number} {_words(verdict)}" for verdict, number in changes.counts.items())
    accounts = "1 account" if len(changes.changed) == 1 else f"{len(changes.changed)} accounts"
    lines = [f"Keycheck: {accounts} changed. Now: {counts}."]
    lines += [f"`{one.account}`: {_line(one)}" for one in changes.changed[:_MOST_LINES]]
    if len(changes.changed) > _MOST_LINES:
        lines.append(f"and {len(changes.changed) - _MOST_LINES} more")
    return {"text": "\n".join(lines)}


FORMATS: Mapping[str, Callable[[Changes], dict[str, Any]]] = {"json": _json, "slack": _slack}


def _line(change: Change) -> str:
    return " ".join(
        (
            _words(_verdict(change.was) or "new"),
            "\N{RIGHTWARDS ARROW}",
            _words(_verdict(change.now) or "gone"),
            *(f"`{cause}`" for cause in _causes(change.now)),
        )
    )


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")


def _verdict(state: State | None) -> str | None:
    return state.verdict if state else None


def _causes(state: State | None) -> Sequence[str]:
    return state.causes if state else ()
