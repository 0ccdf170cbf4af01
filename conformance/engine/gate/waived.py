"""Waivers of rules, each held to the file that it stands in.

The suite says of the schema as it will be that a rule is broken, and not by which file. What a file
changes of that which enforces the rule tells; where that does not, the suite is asked once more, of
the schema as the file with the waiver leaves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.audit.enforcement import named_as_described
from conformance.engine.audit.findings import Fault
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.files import Files
    from conformance.engine.gate.result import Result

BESIDE = ("comment", "privilege", "owner", "turn")  # kinds that enforce no rule by themselves


def strays(steps: Sequence[Description], files: Files) -> Iterator[Fault]:
    """Yield files that change what enforces a rule which another pending file alone gives up.

    Args:
        steps: what the schema is before the first file, and after each.
        files: the pending ones, and their waivers.
    """
    for waiver in files.waived:
        if waiver.what not in RULES:
            continue
        own = {each.file for each in files.waived if each.what == waiver.what}
        for name, what in touching(waiver.what, steps, files):
            if name not in own:
                yield Fault(
                    name,
                    f"changes {what}, which enforces {waiver.what}, "
                    f"and only {waiver.file} waives it",
                    f"leave it as it is, or say in this file too: -- waives {waiver.what}: reason",
                )


def touching(rule: str, steps: Sequence[Description], files: Files) -> Iterator[tuple[str, str]]:
    """Yield each pending file that changes what enforces a rule, and the first that it changes."""
    for file, before, after in zip(files.pending, steps, steps[1:], strict=False):
        # What is new takes nothing from a rule.
        changed = sorted(key for key in _enforcing(rule, before) if before[key] != after.get(key))
        if changed:
            kind, name = changed[0]
            yield file.name, f"{kind} {name}"


def unsettled(rule: str, steps: Sequence[Description], files: Files) -> Waiver | None:
    """Return the last waiver of a rule, if no file says by what it changes that it needs one.

    None where there is no other file, or where one with a waiver changes what enforces the rule.
    """
    own = [waiver for waiver in files.waived if waiver.what == rule]
    if not own or len({waiver.file for waiver in own}) == len(files.pending):
        return None
    touched = {name for name, _ in touching(rule, steps, files)}
    return None if touched & {waiver.file for waiver in own} else own[-1]


def misplaced(
    verdicts: Mapping[str, str],
    steps: Sequence[Description],
    files: Files,
    ask: Callable[[Sequence[Migration], str], Result],
) -> Iterator[Fault]:
    """Yield rules that are waived, and that another file than the one with the waiver breaks.

    Args:
        verdicts: on the schema as it will be.
        steps: what the schema is before the first file, and after each.
        files: the pending ones, and their waivers.
        ask: runs the suite on the schema as some of them leave it, up to the file that it is named.
    """
    asked: dict[str, Result] = {}
    for rule, verdict in verdicts.items():
        waiver = unsettled(rule, steps, files)
        if verdict == Verdict.HELD or waiver is None:
            continue
        if waiver.file not in asked:
            names = [file.name for file in files.pending]
            part = files.pending[: names.index(waiver.file) + 1]
            asked[waiver.file] = ask(part, waiver.file)
        if asked[waiver.file].verdicts.get(rule) == Verdict.HELD:
            yield stray(rule, waiver)


def stray(rule: str, waiver: Waiver) -> Fault:
    """Return the finding of a rule that is held where the file with its waiver has been run."""
    return Fault(
        rule,
        f"waived in {waiver.file}:{waiver.line}, and held after that file: another one breaks it",
        f"move the waiver to the file that breaks the rule: -- waives {rule}: reason",
    )


def _enforcing(rule: str, description: Description) -> Iterator[tuple[str, str]]:
    """Yield what enforces a rule: its constraints, indexes and triggers, and their functions."""
    names = [named_as_described(each) for each in RULES[rule].enforced_by]
    functions = {name: (kind, name) for kind, name in description if kind == "function"}
    for kind, name in description:
        if kind in BESIDE or not any(each in name for each in names):
            continue
        yield kind, name
        if kind == "trigger":
            called = description[kind, name].rpartition("EXECUTE FUNCTION ")[2].partition("(")[0]
            yield from (
                key for other, key in functions.items() if other.partition("(")[0] == called
            )
