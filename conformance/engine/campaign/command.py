"""``python -m conformance campaign``: much that is tried, in shards, on one machine or many."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.arguments import duration, migrations_of, part, positive, rules_of
from conformance.engine.campaign import summary
from conformance.engine.campaign.ledger import Ledger, Result, read
from conformance.engine.campaign.saturation import Saturation
from conformance.engine.campaign.shards import (
    ALL,
    KINDS,
    MACHINES,
    SOAK,
    SOAKS,
    SUITE,
    CampaignError,
    Plan,
    code,
    share,
)
from conformance.engine.console import say, sentence
from conformance.engine.deployment import migrations
from conformance.engine.domain.chosen import domain, domain_folders
from conformance.engine.domain.names import rule as named
from conformance.engine.progress import Progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from conformance.engine.campaign.attempts import Circumstances
    from conformance.engine.campaign.shards import Shard

    Trier = Callable[[Sequence[Shard], Circumstances, Callable[[Shard], bool]], Iterator[Result]]

SUMMARY = "try seeds, races and mutants in shards, on one machine or many"
KEPT = Path(".conformance", "campaign")
LEDGER = "ledger.jsonl"
REGRESSIONS = "regressions"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "campaign",
        help=SUMMARY,
        description=f"{sentence(SUMMARY)} Further arguments are pytest's.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--kinds",
        metavar="NAMES",
        type=_kinds,
        default=dict.fromkeys(KINDS),
        help="what is tried, with commas; races=3 begins three shards of races for one of another"
        f" kind ({','.join(ALL)}; default: {','.join(KINDS)})",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=positive,
        default=1,
        help="under how many seeds (default: %(default)d)",
    )
    parser.add_argument(
        "--first",
        metavar="SEED",
        type=int,
        default=1,
        help="the first of them (default: %(default)d)",
    )
    parser.add_argument(
        "--parts",
        metavar="N",
        type=positive,
        default=4,
        help="shards of a kind and seed (default: %(default)d)",
    )
    parser.add_argument(
        "--mutant-parts",
        metavar="N",
        type=positive,
        default=40,
        help="shards of all mutants (default: %(default)d)",
    )
    parser.add_argument(
        "--soak-seconds",
        metavar="N",
        type=positive,
        default=SOAK,
        help="of each soak (default: %(default)d)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="run on this cluster of Dask's")
    where.add_argument(
        "--workers", metavar="N", type=positive, help="start a cluster of N processes here"
    )
    where.add_argument(
        "--share", metavar="K/N", type=part, help="run the k-th of n shares here, without Dask"
    )
    parser.add_argument(
        "--ledger",
        metavar="FILE",
        type=Path,
        default=KEPT / LEDGER,
        help="what was tried, a line a shard (default: %(default)s)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with what the ledger lacks")
    parser.add_argument(
        "--merge",
        metavar="FILE",
        type=Path,
        nargs="+",
        help="try nothing; show what these ledgers have together",
    )
    parser.add_argument(
        "--max-time",
        metavar="N",
        type=duration,
        help="begin no further shard after N seconds (or 90s, 15m, 2h)",
    )
    parser.add_argument(
        "--until-saturated",
        metavar="N",
        type=positive,
        help="begin no further machines once N operations have shown no new transition",
    )
    parser.set_defaults(run=run, further=True, undone="what was tried is in the ledger: --resume")


def run(options: argparse.Namespace) -> int:
    """Carry out the command; return 0 only if all that was planned was tried, and held.

    Raises:
        CampaignError: The campaign cannot begin, or not go on.
        UnknownRuleError: Arguments of pytest's name no rule.
        MigrationError: There are no migrations to try.
    """
    # With pytest and Hypothesis, which no other command waits for.
    from conformance.engine.campaign.attempts import Circumstances  # noqa: PLC0415 - as said

    if options.merge:
        return _merge(options.merge)
    plan = _plan(options)
    planned = plan.shards()
    if options.share:
        planned = share(planned, *options.share)
    ledger = Ledger(options.ledger, plan, resume=options.resume)
    left = [shard for shard in planned if shard.name not in ledger.results]
    say(
        f"{len(planned)} shards, {len(planned) - len(left)} of them tried; kept in {options.ledger}"
    )
    began = time.monotonic()
    saturation = Saturation(options.until_saturated)
    for result in ledger.results.values():
        saturation.add(result)

    def is_enough(shard: Shard) -> bool:
        return shard.kind == MACHINES and saturation.is_reached

    def wanted(shard: Shard) -> bool:
        in_time = options.max_time is None or time.monotonic() - began < options.max_time
        return in_time and not is_enough(shard)

    circumstances = Circumstances.of_this_process(options.arguments, options.soak_seconds)
    done = len(planned) - len(left)
    try:
        with _trier(options) as trier, Progress() as show:
            show("shards", done, len(planned))
            for result in trier(left, circumstances, wanted):
                done += 1
                ledger.add(result)
                saturation.add(result)
                _keep(result, options.ledger.parent / REGRESSIONS)
                say(summary.line(result))
                show("shards", done, len(planned))
    except CampaignError as error:
        message = (
            f"{error}; {done} of {len(planned)} shards are in {options.ledger}: go on with --resume"
        )
        raise CampaignError(message) from error
    needed = [each for each in planned if each.name in ledger.results or not is_enough(each)]
    if len(needed) < len(planned):
        say(f"{MACHINES}: saturated, {len(planned) - len(needed)} shards are not needed")
    return _show(ledger.results, needed)


@contextmanager
def _trier(
    options: argparse.Namespace,
) -> Iterator[Trier]:
    from conformance.engine.campaign import cluster  # noqa: PLC0415 - as above

    if not options.scheduler and not options.workers:
        yield cluster.one_by_one
        return
    with cluster.opened(options.scheduler or "", options.workers or 0) as client:
        yield partial(cluster.on_cluster, client=client)


def _plan(options: argparse.Namespace) -> Plan:
    for name in rules_of(options.arguments):
        named(name)
    schema = migrations_of(options.arguments)
    if not options.scheduler:  # its workers may have a folder that we have not
        migrations.load(schema)
    if SOAKS in options.kinds and "soak" not in domain().commands:
        message = f"{domain().name} has no soak: leave out {SOAKS}"
        raise CampaignError(message)
    if options.scheduler or options.workers:
        from conformance.engine.campaign import cluster  # noqa: PLC0415 - as above

        cluster.dask()
    if options.until_saturated and MACHINES not in options.kinds:
        message = f"--until-saturated is about {MACHINES}: name them in --kinds"
        raise CampaignError(message)
    folders = [folder for folder in (SUITE, *domain_folders(), schema) if folder.is_dir()]
    return Plan(
        kinds=tuple(options.kinds),
        first=options.first,
        seeds=options.seeds,
        parts=options.parts,
        mutants=options.mutant_parts,
        arguments=tuple(options.arguments),
        code=code(folders),
        weights=tuple((kind, weight) for kind, weight in options.kinds.items() if weight),
        soak=options.soak_seconds,
    )


def _merge(files: Sequence[Path]) -> int:
    plans, results = [], dict[str, Result]()
    for file in files:
        plan, some = read(file)
        plans.append(plan)
        results.update(some)
    if any(plan != plans[0] for plan in plans):
        message = "these ledgers are of different campaigns"
        raise CampaignError(message)
    return _show(results, Plan.read(plans[0]).shards())


def _show(results: dict[str, Result], planned: Sequence[Shard]) -> int:
    names = {shard.name for shard in planned}
    ours = {name: result for name, result in results.items() if name in names}
    for line in summary.lines(ours, planned):
        say(line)
    held = sum(result.verdict == "held" for result in ours.values())
    return int(held < len(planned))


def _keep(result: Result, folder: Path) -> None:
    """Keep new regressions, each once, whoever has found it."""
    for name, text in result.regressions.items():
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            (folder / name).write_text(text)


def _kinds(text: str) -> dict[str, int | None]:
    """Read kinds, and the weights of some."""
    found: dict[str, int | None] = {}
    for each in text.split(","):
        name, has_weight, weight = each.partition("=")
        if name not in ALL:
            message = f"{name}: is none of {', '.join(ALL)}"
            raise ArgumentTypeError(message)
        found[name] = positive(weight) if has_weight else None
    return found
