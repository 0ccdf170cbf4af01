"""The report of a run: what is printed of each rule, and the same as JSON.

The JSON is an object with `version` (1), `server` (what it was, in words), `major` (its version),
`role` (who wrote, or null for the owner), `verdicts` (how many rules have each), `rules`, a list in
the order of the catalogue, and `beside`, a list of the failures that are no rule's: rows that are
not the model's, refusals that name nothing. Each rule has `id`, `statement`, `holds`, `tables`,
`enforced_by`, `verdict`, `accepted`, `rejected`, `named`, `paths` and `failures`. `paths` maps each
write path to its own `accepted`, `rejected` and `named`, or to `reason`: why it cannot break the
rule, or that it was not tried in this run. In a run as a role, `denied` counts violations, and
`withheld` legal writes, that the role has no right to; where there are none, they are left out. A
failure has `rule`, `verdict`, `path`, `test` (pytest's id, which runs it again), `expected`,
`observed` and `script`: SQL that psql runs on a fresh installation.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.catalogue import RULES
from conformance.verdicts import Standing, Tally, Verdict
from conformance.writes import Path
from strategies.near_misses import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Failure: TypeAlias = Mapping[str, Any]

VERSION = 1
ORDER = tuple(RULES)
WIDTH = 16  # of the longest id


def lines(judged: Mapping[str, Standing], beside: Sequence[Failure] = ()) -> Iterator[str]:
    """Return a line a rule and a line a failure beside them, then how many have each verdict."""
    as_role = any(standing.total.denied for standing in judged.values())
    for name, standing in judged.items():
        rule, total = RULES[name], standing.total
        yield (
            f"{name:<{WIDTH}} {standing.verdict:<11} "
            f"{total.accepted:>6} accepted {total.rejected:>6} rejected  "
            + (f"{total.denied:>6} denied  " if as_role else "")
            + rule.enforced_by[0]
            + (f" and {len(rule.enforced_by) - 1} more" if len(rule.enforced_by) > 1 else "")
        )
    for failure in beside:
        yield f"{failure['rule']:<{WIDTH}} {failure['verdict']:<11} no rule's: {failure['test']}"
    counts = Counter(standing.verdict for standing in judged.values())
    words = [f"{counts[verdict]} {verdict}" for verdict in reversed(Verdict) if counts[verdict]]
    if beside:
        words.append(f"{len(beside)} beside the rules")
    yield ", ".join(words)


def as_json(
    judged: Mapping[str, Standing],
    about: Mapping[str, Any] | None = None,
    beside: Sequence[Failure] = (),
) -> str:
    """Return the report as JSON text.

    Args:
        judged: the standings of rules.
        about: what it says of the run beside its verdicts.
        beside: the failures that are no rule's.
    """
    counts = Counter(str(standing.verdict) for standing in judged.values())
    document = {
        "version": VERSION,
        **(about or {}),
        "verdicts": {str(verdict): counts[verdict] for verdict in Verdict},
        "rules": [_rule(name, standing) for name, standing in judged.items()],
        "beside": list(beside),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(name: str, standing: Standing) -> dict[str, Any]:
    rule = RULES[name]
    return {
        "id": rule.id,
        "statement": rule.statement,
        "holds": str(rule.holds),
        "tables": list(rule.tables),
        "enforced_by": list(rule.enforced_by),
        "verdict": str(standing.verdict),
        **_counts(standing.total),
        "paths": {str(path): _path(name, path, standing) for path in Path},
        "failures": standing.failures,
    }


def _path(name: str, path: Path, standing: Standing) -> dict[str, Any]:
    tally = standing.paths.get(path, Tally())
    if path in standing.reasons and not any(tally.counts):
        return {"reason": standing.reasons[path]}
    if path in standing.paths:
        return _counts(tally)
    ways = WAYS[name][path]
    return {"reason": ways if isinstance(ways, str) else "not tried in this run"}


def _counts(tally: Tally) -> dict[str, int]:
    counts = {"accepted": tally.accepted, "rejected": tally.rejected, "named": tally.named}
    as_role = {"denied": tally.denied, "withheld": tally.withheld}
    return {**counts, **{name: count for name, count in as_role.items() if count}}
