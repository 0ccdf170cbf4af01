"""The summary of a campaign, by kind and by rule."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from conformance.engine.campaign.saturation import Saturation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.engine.campaign.ledger import Result
    from conformance.engine.campaign.shards import Shard

WORST = ("broken", "overblocked", "unnamed")


def line(result: Result) -> str:
    """Return the line of a shard that has ended."""
    found = "; ".join(f"{said} ({name})" for name, said in result.failures.items())
    said = f"{result.shard:<28} {result.verdict:<6} {result.seconds:>5.0f} s"
    return f"{said}  {found}".rstrip()


def lines(results: Mapping[str, Result], planned: Sequence[Shard]) -> Iterator[str]:
    """Return the tables of a campaign, and last whether all of it held."""
    kinds: dict[str, list[Result]] = defaultdict(list)
    for result in results.values():
        kinds[result.shard.partition("/")[0]].append(result)
    yield f"{'kind':<12} {'shards':>12} {'failed':>7} {'seconds':>8}  counts"
    for kind in dict.fromkeys(shard.kind for shard in planned):
        some = kinds[kind]
        number = sum(shard.kind == kind for shard in planned)
        counts = sum((Counter(each.counts) + Counter(each.tally) for each in some), Counter[str]())
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        failed = sum(each.verdict == "failed" for each in some)
        seconds = sum(each.seconds for each in some)
        yield f"{kind:<12} {f'{len(some)} of {number}':>12} {failed:>7} {seconds:>8.0f}  {said}"
    saturation = Saturation()
    for result in results.values():
        saturation.add(result)
    if saturation.line():
        yield saturation.line()
    yield from _rules(results.values())
    wrong = [result for result in results.values() if result.verdict != "held"]
    for result in wrong:
        for name, said in result.failures.items():
            yield f"{result.shard}: {said} ({name})"
    left = sum(shard.name not in results for shard in planned)
    done = len(planned) - left
    yield f"{done} of {len(planned)} shards tried, {len(wrong)} failed"


def _rules(results: Iterable[Result]) -> Iterator[str]:
    tried: dict[str, Counter[str]] = defaultdict(Counter)
    seen: dict[str, set[str]] = defaultdict(set)
    for result in results:
        for rule, (verdict, accepted, rejected) in result.rules.items():
            tried[rule].update({"accepted": accepted, "rejected": rejected, "shards": 1})
            seen[rule].add(verdict)
    if tried:
        yield f"{'rule':<16} {'shards':>7} {'accepted':>9} {'rejected':>9}  found"
    for rule, counts in tried.items():
        worst = next((each for each in WORST if each in seen[rule]), "nothing")
        numbers = f"{counts['shards']:>7} {counts['accepted']:>9} {counts['rejected']:>9}"
        yield f"{rule:<16} {numbers}  {worst}"
