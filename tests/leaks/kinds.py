"""All kinds of failure, by name."""

from tests.leaks.kind import Kind
from tests.leaks.kinds_exchange import EXCHANGE
from tests.leaks.kinds_hooks import STAGES
from tests.leaks.kinds_private_key import PRIVATE_KEY
from tests.leaks.kinds_pytest import PYTEST
from tests.leaks.kinds_raising import RAISING
from tests.leaks.kinds_stream import STREAM
from tests.leaks.kinds_telling import TELLING

_ALL = (*EXCHANGE, *RAISING, *TELLING, *PYTEST, *STAGES, *PRIVATE_KEY, *STREAM)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

# Leaks that no cell looks for, because no code of ours could prevent them.
OUT_OF_REACH = {
    "core dump": "the kernel writes it, with all that was in memory",
    "descriptors under -s": "os.write, a child process, C code: no Python object is in between",
    "one character a line": "a print of ten separate lines has no run of ten characters on any of them",
    "answers in careless checks": "balances, cookies, trace ids that a check itself prints: nobody can know them",
    "files of a check's own": "no writer names them, and a search of their folder would meet other programs' files",
    "debuggers": "--pdb and breakpoint() show memory to whoever asks",
}
assert len(KINDS) == len(_ALL)
