"""What a run leaves behind of each request. Pure."""

from dataclasses import dataclass

from keycheck.endpoints import Host


@dataclass(frozen=True)
class Call:
    """One request of the run. `status` and `code`: None where none came; `duration_ms`: whole ms."""

    method: str
    path: str
    host: Host
    weight: int
    status: int | None
    code: int | None
    message: str
    duration_ms: int
