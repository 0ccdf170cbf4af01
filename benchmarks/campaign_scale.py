"""Simulation of a campaign on many workers, by the times that the shards of a real one took.

Shards are drawn from a ledger's, as many as are asked for, and handed out in turn to whichever
worker is free first; a worker starts once. The client writes a line to its ledger for each shard,
one after the other: that is the part that no worker shortens. What is not in it: that workers on
one machine slow each other, and that there may be shards as the ledger has none.

    python -m conformance campaign --seeds 2 --ledger ledger.jsonl
    python -m benchmarks.campaign_scale ledger.jsonl
    python -m benchmarks.campaign_scale ledger.jsonl --shards 100000 --workers 1,100,1000

Each line: workers, hours, efficiency (the work, divided by the workers' time), and what the
campaign waits for where more workers would not help.
"""

from __future__ import annotations

import argparse
import heapq
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.campaign.ledger import Ledger, read
from conformance.engine.campaign.shards import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKERS = (1, 2, 10, 100, 300, 1000)
STARTUP = 10.0  # seconds until a worker has its environment, and PostgreSQL its template
WRITES = 50  # of which the mean is taken


class Campaign(NamedTuple):
    """Length of a campaign, and its efficiency.

    Attributes:
        seconds: from its begin to its end.
        efficiency: the seconds of all shards, by those of all workers.
        waits_for: what more workers would not shorten, where that takes longest; or ''.
    """

    seconds: float
    efficiency: float
    waits_for: str


def simulate(shards: Sequence[float], workers: int, startup: float, write: float) -> Campaign:
    """Return what shards of these seconds come to on so many workers.

    Args:
        shards: seconds of each, in the order in which they are handed out.
        workers: how many.
        startup: seconds until a worker can begin.
        write: seconds in which the client takes a result.
    """
    free = [startup] * workers
    ends = []
    for seconds in shards:
        end = heapq.heappop(free) + seconds
        heapq.heappush(free, end)
        ends.append(end)
    written = 0.0
    for end in sorted(ends):
        written = max(written, end) + write
    work, longest = sum(shards), max(shards)
    bounds = {
        "": startup + work / workers,
        "the longest shard": startup + longest,
        "the client's ledger": write * len(shards),
    }
    waits_for = max(bounds, key=lambda name: bounds[name])
    return Campaign(written, work / (workers * written), waits_for)


def seconds_to_write(result: object) -> float:
    """Return the seconds in which a result of this machine's ledger is on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(("races",), 1, 1, 1, 1, (), "")
        ledger = Ledger(Path(folder) / "ledger.jsonl", plan, resume=False)
        begun = time.perf_counter()
        for _ in range(WRITES):
            ledger._append(result)  # noqa: SLF001 - the part of it that takes time
        return (time.perf_counter() - begun) / WRITES


def main() -> None:
    """Simulate campaigns on more and more workers, and print a line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--shards", type=int, help="how many (default: those of the ledger)")
    parser.add_argument("--workers", default=",".join(map(str, WORKERS)), help="with commas")
    parser.add_argument("--startup", type=float, default=STARTUP, help="seconds (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what draws the shards (1)")
    options = parser.parse_args()
    _, results = read(options.ledger)
    times = [result.seconds for result in results.values()]
    longest = max(results.values(), key=lambda result: result.seconds)
    shards = times
    if options.shards:
        shards = Random(options.seed).choices(times, k=options.shards)  # noqa: S311 - no secret
    write = seconds_to_write(Path(options.ledger).read_text("utf-8").splitlines()[-1])
    kinds = Counter(name.partition("/")[0] for name in results)
    print(f"{len(times)} shards tried: {', '.join(f'{n} {kind}' for kind, n in kinds.items())}")
    print(f"{sum(times) / len(times):.0f} s on average, at most {longest.seconds:.0f} s")
    print(f"{1000 * write:.1f} ms to write a result, on {os.cpu_count()} cores")
    print(f"{'workers':>8} {'hours':>8} {'efficiency':>11}  waits for")
    for workers in map(int, options.workers.split(",")):
        found = simulate(shards, workers, options.startup, write)
        hours = found.seconds / 3600
        print(f"{workers:>8} {hours:>8.2f} {found.efficiency:>11.2f}  {found.waits_for}".rstrip())


if __name__ == "__main__":
    main()
