"""The report of a run: what is printed of each rule, and the same as data.

`docs/report.md` says what the report has, key by key. It is an object with its `version`, what the
run stood on and how it ended, `verdicts` (how many rules have each), `rules`, in the order of the
catalogue, and what tests said beside them. `paths` of a rule maps each write path to its own
counts, or to `reason`: why it cannot break the rule, or that it was not tried in this run.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from conformance.engine.cases.verdicts import NOT_RUN, Standing, Tally, Verdict
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.kinds.transitions import Transitions
from conformance.engine.report.causes import reason
from conformance.engine.sql.writes import Path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from conformance.engine.kinds.rule import Rule
    from conformance.engine.report.places import Places

    Failure: TypeAlias = Mapping[str, Any]

VERSION = 2
WORDS = (*map(str, reversed(Verdict)), NOT_RUN)
WIDTH = 16  # of the longest id
MOST_LISTED = 4  # failures that are no rule's and have one reason


class Seen(NamedTuple):
    """Observations of the rules by tests beside theirs.

    Attributes:
        moves: by rules, how often machines saw each change of a state, such as `draft>active`.
        levels: by rules and levels of isolation, what became of the transactions of races.
        timelines: by names of known races, who did what in turns.
    """

    moves: Mapping[str, Mapping[str, int]]
    levels: Mapping[str, Mapping[str, Mapping[str, int]]]
    timelines: Mapping[str, Any] = {}


NOTHING = Seen({}, {})


def lines(
    judged: Mapping[str, Standing],
    beside: Sequence[Failure] = (),
    *,
    width: int = 0,
    left_out: Collection[str] = (),
) -> Iterator[str]:
    """Return a line a rule and a line a failure beside them, then how many have each verdict.

    Args:
        judged: the standings of rules.
        beside: the failures that are no rule's.
        width: the most that a line may have; 0 for whatever it takes.
        left_out: verdicts of rules that have no line; they are counted.
    """
    as_role = any(standing.total.denied for standing in judged.values())
    counts = Counter(standing.word for standing in judged.values())
    for name, standing in judged.items():
        if standing.word not in left_out and counts[NOT_RUN] < len(judged):
            yield _cut(_line(name, standing, as_role=as_role), width)
    yield from (_cut(line, width) for line in _beside(beside))
    yield from _in_part(judged)
    words = [f"{counts[word]} {word}" for word in WORDS if counts[word]]
    if beside:
        words.append(f"{len(beside)} beside the rules")
    yield ", ".join(words)


def _in_part(judged: Mapping[str, Standing]) -> Iterator[str]:
    """Return a line about what is held in what was selected alone, of which more is known."""
    some = []
    for name, standing in judged.items():
        ways = domain().ways().get(name, {})
        paths = {path for path, way in ways.items() if not isinstance(way, str)}
        tried = paths.intersection((*standing.paths, *standing.reasons))
        if standing.verdict is Verdict.HELD and tried < paths:
            some.append(f"{name} along {len(tried)} of {len(paths)} write paths")
        elif standing.verdict is Verdict.HELD and standing.left:
            every = standing.tests + standing.left
            some.append(f"{name} by {standing.tests} of {every} tests")
    if some:
        more = f", and {len(some) - MOST_LISTED} more" if len(some) > MOST_LISTED else ""
        named = ", ".join(some[:MOST_LISTED]) + more
        yield f"held in what was selected, and not tried whole: {named}"


def _beside(failures: Sequence[Failure]) -> Iterator[str]:
    """Return a line a failure that is no rule's; those of one reason share a line if many do."""
    alike: dict[tuple[str, str], list[Failure]] = {}
    for each in {(each["rule"], each["test"]): each for each in failures}.values():
        alike.setdefault((each["verdict"], reason(str(each["observed"]))), []).append(each)
    for (verdict, why), group in alike.items():
        if len(group) > MOST_LISTED:
            yield f"{len(group)} beside the rules are {verdict}: {why}"
            continue
        for each in group:
            yield f"{each['rule']:<{WIDTH}} {verdict:<11} no rule's: {each['test']}"


def document(
    judged: Mapping[str, Standing],
    of_run: Mapping[str, Any] | None = None,
    of_tests: Mapping[str, Any] | None = None,
    places: Places | None = None,
    seen: Seen = NOTHING,
) -> dict[str, Any]:
    """Return the report, as `conformance.engine.report.form` has it.

    Args:
        judged: the standings of rules.
        of_run: what it says of the run, before its verdicts.
        of_tests: what it says of tests, after its rules.
        places: where the migrations are written, if they could be read.
        seen: what state machines and races saw of each rule.
    """
    counts = Counter(standing.word for standing in judged.values())
    return {
        "version": VERSION,
        **(of_run or {}),
        "verdicts": {word: counts[word] for word in (*map(str, Verdict), NOT_RUN)},
        "rules": [
            {
                **_rule(name, standing, places),
                **({"levels": seen.levels[name]} if name in seen.levels else {}),
                **_machine(name, seen.moves.get(name, {})),
            }
            for name, standing in judged.items()
        ],
        "races": _races(judged, seen.timelines) if judged else {},  # there may be no domain
        **(of_tests or {}),
    }


COUNTED: Final = WIDTH + 50  # characters up to the name of what enforces a rule
BLANKS: Final = re.compile(" +")


def _line(name: str, standing: Standing, *, as_role: bool) -> str:
    rule: Rule = RULES[name]
    total = standing.total
    return (
        f"{name:<{WIDTH}} {standing.word:<11} "
        f"{total.accepted:>6} accepted {total.rejected:>6} rejected  "
        + (f"{total.denied:>6} denied  " if as_role else "")
        + rule.enforced_by[0]
        + (f" and {len(rule.enforced_by) - 1} more" if len(rule.enforced_by) > 1 else "")
    )


def _cut(line: str, width: int) -> str:
    """Return a line as wide as it may be; where counts would be cut, its columns go first."""
    if not width or len(line) <= width:
        return line
    fitting = line if width >= COUNTED else BLANKS.sub(" ", line)
    return fitting if len(fitting) <= width else fitting[: width - 1] + "…"


def _rule(name: str, standing: Standing, places: Places | None) -> dict[str, Any]:
    rule = RULES[name]
    first = places.first(rule.enforced_by, rule.id, rule.tables) if places else None
    area = next((each for each, rules in domain().areas.items() if name in rules), "")
    kind = "written by hand" if rule.kind is None else type(rule.kind).__name__
    return {
        "id": rule.id,
        "statement": rule.statement,
        "holds": str(rule.holds),
        "kind": kind,
        "tables": list(rule.tables),
        **({"area": area} if area else {}),
        "enforced_by": list(rule.enforced_by),
        "places": dict(places.of(rule.enforced_by)) if places else {},
        **({"place": first} if first else {}),
        "verdict": standing.word,
        **_counts(standing.total),
        "paths": {str(path): _path(name, path, standing) for path in Path},
        **({"as_role": _counts(standing.as_role)} if standing.as_role.any else {}),
        "races": [race for race, known in domain().races().items() if name in known.rules],
        "failures": standing.failures,
    }


def _races(judged: Collection[str], timelines: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known races about some rules: what happens in each, and in this run, by turns."""
    return {
        name: {
            "description": known.description,
            **({"timeline": timelines[name]} if name in timelines else {}),
        }
        for name, known in domain().races().items()
        if not set(judged).isdisjoint(known.rules)
    }


def _machine(name: str, seen: Mapping[str, int]) -> dict[str, Any]:
    """Return the state machine of a rule, where it has one."""
    kind = RULES[name].kind
    if not isinstance(kind, Transitions):
        return {}
    moves = [
        {
            "before": before,
            "after": after,
            "legal": (before, after) in kind.legal,
            "seen": seen.get(f"{before or 'new'}>{after}", 0),
        }
        for before, after in kind.pairs()
    ]
    return {"machine": {"table": kind.table, "states": list(kind.states), "moves": moves}}


def _path(name: str, path: Path, standing: Standing) -> dict[str, Any]:
    tally = standing.paths.get(path, Tally())
    if path in standing.reasons and not any(tally.counts):
        return {"reason": standing.reasons[path]}
    if path in standing.paths:
        return _counts(tally)
    ways = domain().ways().get(name, {}).get(path)
    return {"reason": ways if isinstance(ways, str) else "not tried in this run"}


def _counts(tally: Tally) -> dict[str, int]:
    counts = {"accepted": tally.accepted, "rejected": tally.rejected, "named": tally.named}
    as_role = {"denied": tally.denied, "withheld": tally.not_permitted}
    return {**counts, **{name: count for name, count in as_role.items() if count}}
