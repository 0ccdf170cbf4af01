"""Trying of shards on a cluster of Dask's, or one after the other in this process."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.campaign.attempts import attempt
from conformance.engine.campaign.shards import CampaignError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.engine.campaign.attempts import Circumstances
    from conformance.engine.campaign.ledger import Result
    from conformance.engine.campaign.shards import Shard

RETRIES: Final = 3  # of a shard whose worker is lost
AHEAD: Final = 2  # shards a worker that are given to the cluster before they can begin
LOST: Final = "the cluster is gone"
WAIT: Final = 60.0  # seconds in which the first worker has to come
AGAIN: Final = 10.0  # seconds in which a scheduler that has gone may come back
LOOK: Final = 5.0  # seconds between two looks at whether the scheduler is still there


def one_by_one(
    shards: Sequence[Shard], circumstances: Circumstances, wanted: Callable[[Shard], bool]
) -> Iterator[Result]:
    """Try shards in this process, those that are still wanted when their turn comes."""
    for shard in shards:
        if wanted(shard):
            yield attempt(shard, circumstances)


def on_cluster(
    shards: Sequence[Shard],
    circumstances: Circumstances,
    wanted: Callable[[Shard], bool],
    client: Any,
) -> Iterator[Result]:
    """Try shards on a cluster; yield what they come to, as they end.

    A few more than there are workers are handed over at a time: what is no longer wanted has not
    begun.

    Raises:
        CampaignError: The cluster is gone, or a shard has taken several workers with it.
    """
    left, ended = deque(shards), Queue[Any]()
    begun: dict[str, Any] = {}
    while True:
        while left and len(begun) < _room(client):
            shard = left.popleft()
            if not wanted(shard):
                continue
            future = client.submit(
                attempt, shard, circumstances, key=shard.name, retries=RETRIES, pure=False
            )
            begun[shard.name] = future
            future.add_done_callback(ended.put)
        if not begun:
            return
        future = _next(ended, client)
        del begun[future.key]
        yield _result(future)


def _room(client: Any) -> int:
    """Return how many shards may be with a cluster at a time."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    threads: int = sum(worker["nthreads"] for worker in workers)
    return AHEAD * max(1, threads)


def _next(ended: Queue[Any], client: Any) -> Any:
    """Return the next future that is done.

    Raises:
        CampaignError: The scheduler is gone.
    """
    while client.status == "running":
        with suppress(Empty):
            return ended.get(timeout=LOOK)
    raise CampaignError(LOST)


def _result(future: Any) -> Result:
    from distributed import CancelledError, KilledWorker  # noqa: PLC0415 - an extra

    try:
        result: Result = future.result()
    except KilledWorker:
        message = f"{future.key}: each worker that tried it was lost"
        raise CampaignError(message) from None
    except (CancelledError, OSError):
        raise CampaignError(LOST) from None
    return result


def dask() -> Any:
    """Return Dask's module, which has no types.

    Raises:
        CampaignError: It is not installed.
    """
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError:
        message = "a cluster needs Dask: pip install 'framecast-conformance[campaign]'"
        raise CampaignError(message) from None
    return distributed


@contextmanager
def opened(scheduler: str, workers: int) -> Iterator[Any]:
    """Open a cluster: the one whose scheduler has an address, or one of so many processes here.

    Raises:
        CampaignError: Dask is not installed, or the scheduler or its workers are not there.
    """
    found = dask()
    for logger in ("distributed", "distributed.client"):  # what it says, we say once
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        try:
            address = scheduler or stack.enter_context(_started(found, workers))
            client = stack.enter_context(found.Client(address, timeout=AGAIN))
            client.wait_for_workers(1, timeout=WAIT)
        except (OSError, TimeoutError, ValueError) as error:
            message = f"no worker at {scheduler or 'this machine'}: {error}"
            raise CampaignError(message) from None
        yield client


def _started(found: Any, workers: int) -> Any:
    return found.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        dashboard_address=":0",  # any port: another campaign may have the usual one
        silence_logs=logging.CRITICAL,
    )
