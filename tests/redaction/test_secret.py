"""A secret is never printed, pickled or copied."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

import pytest

from keycheck.redaction.secret import Secret

CANARY = "canaryCANARY0123456789canaryCANARY"


@dataclass(frozen=True)
class Holder:
    """A dataclass with a secret in a field."""

    secret: Secret


@pytest.mark.parametrize(
    "show",
    [str, repr, "{}".format, "{!r:>40}".format, "{:_^40}".format, lambda s: f"{s}", lambda s: "%s %r" % (s, s)],  # noqa: UP031  one more way to print
)
def test_a_secret_does_not_print_itself(show: Callable[[object], str]) -> None:
    """However a secret is turned into text, the text is not the secret."""
    shown = show(Secret(CANARY))
    assert "hidden" in shown
    assert CANARY not in shown


def test_containers_of_a_secret_do_not_print_it() -> None:
    """Lists, dicts, dataclasses and errors that hold a secret do not show it."""
    secret = Secret(CANARY)
    assert CANARY not in repr([secret, {"s": secret}, Holder(secret), ValueError(secret)])


@pytest.mark.parametrize(
    "pack",
    [
        *(lambda s, n=n: pickle.dumps(s, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy,
        copy.deepcopy,
        json.dumps,
        lambda s: asdict(Holder(s)),
        lambda s: "".join([s]),
        lambda s: "key" + s,
    ],
)
def test_a_secret_is_not_packed_copied_or_joined(pack: Callable[[Secret], object]) -> None:
    """Pickling, copying and joining a secret raise a TypeError that does not quote it."""
    with pytest.raises(TypeError) as caught:
        pack(Secret(CANARY))
    assert CANARY not in str(caught.value)


def test_a_secret_does_not_end_up_in_a_query() -> None:
    """A secret that is put into a query by mistake is sent as "hidden"."""
    assert CANARY not in urlencode({"key": Secret(CANARY)})


def test_a_secret_has_no_attributes_to_list() -> None:
    """A debugger that lists attributes does not find the text."""
    secret = Secret(CANARY)
    assert not hasattr(secret, "__dict__")
    assert CANARY not in repr([getattr(secret, name) for name in dir(secret)])


def test_secrets_do_not_compare_by_their_text() -> None:
    """A comparison does not reveal that two secrets, or a secret and a guess, are equal."""
    assert Secret(CANARY) != Secret(CANARY)
    assert Secret(CANARY).__eq__(CANARY) is NotImplemented  # a guess is not a secret
    assert hash(Secret(CANARY)) != hash(CANARY)


def test_a_secret_is_revealed_on_demand() -> None:
    """`reveal` gives the secret unchanged."""
    assert Secret(CANARY).reveal() == CANARY
    assert Secret("").reveal() == ""
