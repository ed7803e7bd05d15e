"""The engine on Dask's `distributed`: a scheduler, and workers on the lanes' machines, over mutual TLS.

A lane is a resource: the workers of lane tokyo are started with `--resources egress-tokyo=N`, for N runs at once. Dask
pickles only a job's text and the name of a function of this package. The certificates come from Dask's own
configuration; docs/fleet.md has the commands.
"""

import asyncio
import logging
from collections import Counter
from concurrent.futures import Executor, Future
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, Security
from distributed.comm.core import CommClosedError

from keycheck import clock
from keycheck.errors import UsageProblem
from keycheck.exchange.hosts import is_loopback
from keycheck.fleet import job_command
from keycheck.fleet.accounts import Lane

_LOOK = 1.0  # seconds between two requests to the scheduler for the list of its workers
_STALE = 5.0  # seconds after which its last answer is too old
_TO_CLOSE = 5.0  # seconds to wait for the client to close
_FILES = (
    "set DASK_DISTRIBUTED__COMM__TLS__CA_FILE, DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and "
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY to the files, as docs/fleet.md says"
)


class Dask:
    """Sends jobs to the scheduler at `address`: tls://HOST:PORT, or tcp:// on a loopback address.

    `timeout`: seconds to wait for the scheduler, at first and whenever the connection is lost. After that, each job is
    refused, with that reason. Raises UsageProblem for an address or certificates that cannot be used.
    """

    job = staticmethod(job_command.run)

    def __init__(self, address: str, timeout: float) -> None:
        url = address if "://" in address else f"tls://{address}"
        security = _security(url)
        self._slots: Counter[str] = Counter()
        self._asked: Future[Any] | None = None
        self._asked_at = self._seen_at = -_STALE
        for name in ("distributed", "distributed.client"):  # their log lines would break up the progress line
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._client: Any = None
        try:
            self._client = Client(url, timeout=timeout, security=security, set_as_default=False)
        except CommClosedError:  # raised at once, without waiting for `timeout`
            raise UsageProblem(
                "--engine: the program at its address is not a scheduler with a certificate of the same authority: "
                f"correct the address, or {_FILES}"
            ) from None
        except OSError:  # nothing answers: each job is refused
            pass

    def executor(self, lane: Lane) -> Executor:
        if self._is_lost:
            return _Refusing()
        resources = {_resource(lane.name): 1}
        executor: Executor = self._client.get_executor(
            resources=resources, retries=0, allow_other_workers=False, pure=False
        )
        return executor

    def slots(self, lane: Lane) -> int:
        if self._is_lost:
            return 1  # so that the driver submits jobs, and each is refused with the reason
        self._look()
        is_known = self._client.status == "running" and clock.uptime() - self._seen_at < _STALE
        return self._slots[_resource(lane.name)] if is_known else 0

    def close(self) -> None:
        if self._client is not None:
            self._client.close(timeout=_TO_CLOSE)

    @property
    def _is_lost(self) -> bool:
        return self._client is None or self._client.status == "closed"

    def _look(self) -> None:
        """Takes the scheduler's answer about its workers, if it has come, and asks again. It returns at once."""
        now = clock.uptime()
        if self._asked is not None and self._asked.done():
            if not self._asked.exception():
                self._slots, self._seen_at = _slots(self._asked.result()), now
            self._asked = None
        if self._asked is None and now - self._asked_at >= _LOOK:
            question = self._client.scheduler.identity(n_workers=-1)
            self._asked = asyncio.run_coroutine_threadsafe(question, self._client.loop.asyncio_loop)
            self._asked_at = now


class _Refusing(Executor):
    """An executor that refuses each job, because there is no scheduler."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        raise ValueError("no scheduler answered at the address of --engine")


def _resource(lane: str) -> str:
    return f"egress-{lane}"


def _slots(identity: Any) -> Counter[str]:
    """How many jobs all workers together can run at once, by resource."""
    slots: Counter[str] = Counter()
    for worker in identity["workers"].values():
        if worker["status"] == "running":
            for name, amount in worker["resources"].items():
                slots[name] += min(int(amount), worker["nthreads"])
    return slots


def _security(url: str) -> Security:
    """The TLS settings for a scheduler's URL. Raises UsageProblem if the URL or the certificates cannot be used."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port else None
    except ValueError:
        host = None
    if not host or parts.scheme not in ("tls", "tcp"):
        raise UsageProblem("--engine: the scheduler's address must be dask:tls://HOST:PORT")
    if parts.scheme == "tcp":
        if not is_loopback(host):
            raise UsageProblem("--engine: tcp:// is only for a scheduler on this machine: use tls:// and certificates")
        return Security(require_encryption=False)
    security = Security(require_encryption=True)
    if not (security.tls_ca_file and security.tls_client_cert):
        raise UsageProblem(f"--engine: tls:// needs certificates: {_FILES}")
    try:
        security.get_connection_args("client")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageProblem(f"--engine: the certificates cannot be used ({why}): {_FILES}") from None
    return security
