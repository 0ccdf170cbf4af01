"""Races a second that are run and judged, on one core.

Known races in all their orders, then drawn ones, each brought back to its start, run, and judged by
violation queries, serial orders and rows. The computer may do something else meanwhile, so what
counts is what the processors spent on it: here, and in the server's processes where they can be
seen.

    python -m benchmarks.race_speed
    python -m benchmarks.race_speed --races 40

The last line, `N schedules a second and core`, is for all of them together.
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial
from pathlib import Path

import psycopg

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.races.orders import every, following
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.races.explorer import PAIRS, drawn
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.schedule import Level

MIGRATIONS = Path(__file__).parent.parent / "migrations"
PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat after the name in brackets: the ticks in user and in system mode.
UTIME = 11


def server_seconds(connection: psycopg.Connection) -> float:
    """Return what the server's sessions took of processors, in seconds; 0 where none is seen."""
    total = 0
    for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity"):
        stat = PROC / str(pid) / "stat"
        if stat.exists():
            fields = stat.read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[UTIME : UTIME + 2]))
    return total / TICKS


def run_all(harness: Harness, races: int) -> None:
    """Run all known races, and so many drawn races of each theme and start."""
    for known_race in KNOWN_RACES.values():
        race = known_race.race()
        for level in Level:
            for _ in every(partial(harness.run, race.at(level))):
                pass
    for theme, like in PAIRS.values():
        for number in range(races):
            race, orders = drawn(theme, like, number)
            for order in dict.fromkeys(orders):
                harness.run(race, following(order))


def main() -> None:
    """Run races, and print how long they took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--races", type=int, default=12, help="drawn, of each theme and start")
    options = parser.parse_args()
    with provision(Request.read({}, os.environ)) as server, scratch.opened(server) as made:
        database = made.clone(made.template(MIGRATIONS), "races")
        with (
            Sandbox(database.conninfo) as sandbox,
            Harness(sandbox, database.conninfo) as harness,
            psycopg.connect(database.conninfo, autocommit=True) as watcher,
        ):
            before, here, began = server_seconds(watcher), time.process_time(), time.monotonic()
            run_all(harness, options.races)
            there, here = server_seconds(watcher) - before, time.process_time() - here
            wall, schedules = time.monotonic() - began, harness.log.schedules
    print(f"{schedules} schedules, {harness.log.judged} of them judged by the model too")
    print(f"{wall:.1f} s by the clock, {here:.1f} s of a core here, {there:.1f} s in the server")
    print(f"{schedules / (here + there):.0f} schedules a second and core")


if __name__ == "__main__":
    main()
