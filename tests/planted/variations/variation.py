"""A schema that differs from ours, as data, and the SQL that such schemas are made with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

BROKEN: Final = "broken"
OVERBLOCKED: Final = "overblocked"
UNNAMED: Final = "unnamed"
UNPROVEN: Final = "unproven"
HELD: Final = "held"
# Paths that get the same verdict as those beside them, in twice the time: whole runs try them too.
OTHER_PATHS: Final = "__insert_many or __on_conflict or __merge or __cte"
# Races that are near a rule, and part of the proof of others.
NEAR: Final = "lock_order__"


@dataclass(frozen=True, slots=True)
class Variation:
    """Our migrations in other words, or with one file more, and the verdicts that they get.

    Attributes:
        name: what is other about it.
        chosen: the tests that a short run tries, as for `-k`.
        sql: a further migration.
        edits: what is written in place of what in our own files.
        verdicts: rule -> its verdict, where it is not held.
        names: rule -> what one of its failures must name.
        others: the verdict that rules may have of which it says nothing, beside held; in a whole
            run they may be unproven too.
        profile: Hypothesis' profile of a short run, where chance must not decide a verdict.
        lines: how many a short run prints at most; where all is held, a screen.
    """

    name: str
    chosen: str
    sql: str = ""
    edits: tuple[tuple[str, str], ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    others: str = HELD
    lines: int = 200
    profile: str = "quick"


def all_of(said: str, *rules: str) -> dict[str, str]:
    """Return the same for some rules."""
    return dict.fromkeys(rules, said)


def everything(*rules: str) -> str:
    """Return what chooses all that some rules are proven by, as for `-k`."""
    return " or ".join(rule.lower().replace("-", "_") + "__" for rule in rules)


def writes(*rules: str) -> str:
    """Return what chooses the writes that some rules are tried by, as for `-k`."""
    return f"test_rules and ({everything(*rules)}) and not ({OTHER_PATHS})"


def races(*rules: str) -> str:
    """Return what chooses writes and known races of some rules, as for `-k`."""
    left_out = f"{OTHER_PATHS} or {NEAR}"
    return f"(test_rules or test_known_race) and ({everything(*rules)}) and not ({left_out})"


def on_table(table: str, *changes: str) -> str:
    """Return SQL that changes a table of `public`."""
    return f"ALTER TABLE public.{table} {', '.join(changes)};\n"


def renamed(table: str, old: str, new: str) -> str:
    """Return SQL that gives a constraint another name."""
    return on_table(table, f'RENAME CONSTRAINT {old} TO "{new}"')


def rechecked(table: str, old: str, new: str, check: str) -> str:
    """Return SQL that puts another check in the place of one."""
    return on_table(table, f"DROP CONSTRAINT {old}", f"ADD CONSTRAINT {new} CHECK ({check})")


def reindexed(table: str, name: str, on: str) -> str:
    """Return SQL that puts a unique index in the place of a unique constraint, under its name."""
    dropped = on_table(table, f"DROP CONSTRAINT {name}")
    return f"{dropped}CREATE UNIQUE INDEX {name} ON public.{table} {on};\n"
