"""The mutants: keycheck with one protection removed, and the cells of the matrix that must find a leak then."""

from tests.leaks.cells import Mutation
from tests.leaks.matrix import Place

_NO_GUARD = ("-p", "no:keycheck-guard")
_NO_SCAN = ("-p", "no:keycheck-artefact-scan")
_BARE = (*_NO_GUARD, *_NO_SCAN)

BARE = Mutation("second layer", _BARE)

SHOWS = "import keycheck.redaction.secret as s\ns.Secret.__repr__ = s.Secret.__str__ = lambda self: self.reveal()\n"
PICKLES = (
    "import keycheck.redaction.secret as s\ns.Secret.__reduce_ex__ = lambda self, _: (s.Secret, (self.reveal(),))\n"
)
LOUD = "import logging, keycheck.network.transport\nlogging.getLogger('urllib3').setLevel(logging.DEBUG)\n"
QUOTES = (
    "import keycheck.network.transport as t\nfrom keycheck.errors import Unreachable\n"
    "t.explain = lambda error, endpoint: Unreachable(str(error), 'refused')\n"
)
TALKATIVE = (
    "import logging, keycheck.network.websocket as w\n"
    "w._MUTE = logging.getLogger('websockets.client')\nw._MUTE.setLevel(logging.DEBUG)\n"
)
UNHEARD = "import keycheck.exchange.answers as a\na.secrets_in = lambda *_: []\n"
FORGETS = "from keycheck.redaction.redactor import Redactor\nRedactor.learn = lambda self, secret: None\n"
UNSIGNED = (
    "from keycheck.redaction.redactor import Redactor\nlearn = Redactor.learn\n"
    "Redactor.learn = lambda self, text: None if len(text) == 64 and text == text.lower() else learn(self, text)\n"
)
PUBLIC = "import keycheck.credentials.pem as p\np.to_hide = lambda text: [] if p.looks_like(text) else [text]\n"
UNREAD = (
    "from keycheck.plugin import clean_streams, guard\n"
    "clean_streams.clean_captured_text = guard.clean_captured_text = lambda *_: None\n"
)
UNTOUCHED = "import keycheck.plugin.clean_streams as g\ng._captures = lambda _: []\n"
NO_HEX = "import keycheck.redaction.decoded_forms as u\nu._PACKED = u._PACKED[:-1]\n"
CASED = "import keycheck.redaction.redactor as r\nr._folded = str\n"
VERBATIM = "import keycheck.exchange.refusal_text as r\nr.fit_to_show = lambda code, text: text\n"

# If both layers would catch a leak, the second is removed, too; its own rows show that it works.
MUTANTS: list[tuple[Mutation, list[Place]]] = [
    (Mutation("guard", _NO_GUARD), [("assert key == secret", "verbose"), ("print in a passing check", "live-log")]),
    (Mutation("artefact scan", _NO_SCAN), [("template that encodes the key", "plain"), ("pytest's cache", "plain")]),
    (Mutation("a Secret that shows itself", _BARE, SHOWS), [("everything reachable", "junit")]),
    (Mutation("a Secret that is pickled", _BARE, PICKLES), [("everything reachable", "junit")]),
    (Mutation("loud urllib3", _BARE, LOUD), [("healthy", "html-log"), ("healthy", "live-log")]),
    (
        Mutation("errors that quote the library", _BARE, QUOTES),
        [("errors of the session", "junit")],
    ),
    (Mutation("a redactor that learns nothing", (), FORGETS), [("print in a passing check", "live-log")]),
    (Mutation("a redactor that learns no private key", (), PUBLIC), [("print of a pasted private key", "junit")]),
    (Mutation("loud websockets", _BARE, TALKATIVE), [("healthy", "html-log"), ("healthy", "live-log")]),
    (Mutation("captured text that is read as it is", (), UNREAD), [("print to a stream kept from a check", "plain")]),
    (Mutation("streams that stay as they are", (), UNTOUCHED), [("print in a passing check", "tee")]),
    (Mutation("a redactor that reads no hex", (), NO_HEX), [("key in hex in msg", "plain"), ("print in hex", "junit")]),
    (Mutation("a redactor that minds the case", (), CASED), [("print in upper and lower case", "live-log")]),
    (Mutation("refusals shown as they are", (), VERBATIM), [("account in a refusal", "junit")]),
    (Mutation("a redactor that learns no listen key", (), UNHEARD), [("print of the listen key", "junit")]),
    (Mutation("a redactor that learns no signature", (), UNSIGNED), [("print of a cut signature", "junit")]),
]
