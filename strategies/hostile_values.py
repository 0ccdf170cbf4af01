"""Values that hurt, for any column, from what may be in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Row, Sql
from strategies.owners import member_urn, team_urn, user_urn
from strategies.sizes import ASSET_LIMIT, INT32_MAX, INT64_MAX
from strategies.tables import LIMITS
from strategies.world import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from strategies.hostile_worlds import Setup
    from strategies.world import World

T = TypeVar("T")

NOBODY = UUID(int=0)
# Whose id stands in a column, by its name. `id` is the table's own.
KINDS = {
    "team_id": "teams",
    "user_id": "users",
    "invited_by": "users",
    "created_by": "users",
    "triggered_by": "users",
    "uploaded_by": "users",
    "project_id": "projects",
    "job_id": "jobs",
    "webhook_id": "webhooks",
    "live_member_team_id": "teams",
    "live_shared_team_id": "teams",
}
PARENTS = tuple(dict.fromkeys(KINDS.values()))
COUNTS = ("integer", "bigint", "numeric")
NUMBERS = (0, 1, -1, 2, 3, 4, 5, 6, 50, 51, ASSET_LIMIT, ASSET_LIMIT + 1, INT32_MAX, INT64_MAX)
TIMES = (
    *("now()", "now() - interval '1 second'", "now() + interval '1 hour'"),
    *("now() - interval '8 days'", "now() - interval '31 days'", "now() + interval '7 days'"),
    *("clock_timestamp()", "'infinity'", "'-infinity'"),
)
INSTANTS = (*map(Sql, TIMES), NOW, NOW + timedelta(days=1))
DOCUMENTS = (Jsonb({}), Jsonb({"a": 1}), Jsonb([]), Jsonb(None), Jsonb(["*"]), Jsonb("a"))
TYPED: Mapping[str, Sequence[object]] = {
    **dict.fromkeys(COUNTS, NUMBERS),
    "timestamp with time zone": INSTANTS,
    "jsonb": DOCUMENTS,
    "boolean": (False, True),
}
TEXTS = ("a", "", " ", "A", "é", "a-b", "2026-01", "a\tb\\N")
ADDRESSES = ("a@b.c", "a@b", "É@b.c")
NAMED: Mapping[str, Sequence[object]] = {
    "url": ("https://example.com/a", "HTTPS://a.b:1?c", "http://a.b", "https://", "https://a b"),
    "period": ("2026-01", "2026-02", "2026-12", "2026-13", "26-01", "2026-1"),
    "content_type": ("image/png", "video/mp4", "text/html", ""),
    "sequence": (0, 1, 2, 3, -1, INT64_MAX),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its type as `format_type` has it, and whether it is generated."""

    name: str
    type: str
    generated: bool = False


class Choices:
    """Choices among what is there, read from bytes: zero is the simplest.

    A statement is drawn as one string of bytes. As twenty numbers it would cost ten times as much,
    and Hypothesis, which likes to try an example again with one part copied over another, would
    copy numbers that have nothing to do with each other.
    """

    def __init__(self, entropy: bytes) -> None:
        """Read from these bytes; when they have run out, from zeros."""
        self._left = iter(entropy)

    def __call__(self, choices: Sequence[T]) -> T:
        """Return one of some things."""
        return choices[self._below(len(choices))]

    def once_in(self, number: int) -> bool:
        """Return True once in a number of times, and False where that is simplest."""
        return self._below(number) == number - 1

    def some(self, choices: Sequence[T], fewest: int, most: int) -> list[T]:
        """Return between so many different things."""
        left = list(choices)
        count = min(fewest + self._below(most - fewest + 1), len(left))
        return [left.pop(self._below(len(left))) for _ in range(count)]

    def _below(self, number: int) -> int:
        return next(self._left, 0) % number


class Target:
    """Target of a hostile run: all rows that may be there, and the few that most of it is about.

    `latest` is the table and id of the row that was drawn last, if there is one.
    """

    def __init__(
        self, choices: Choices, setup: Setup, labels: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Choose the few among the rows of a setup."""
        self.world: World = setup.world
        self.labels = labels
        self._all = {table: list(rows) for table, rows in setup.rows.items()}
        self._few = {table: choices.some(rows, 1, 2) for table, rows in self._all.items()}
        self._promised: dict[str, UUID] = {}
        self.latest: tuple[str, UUID] | None = None

    def remember(self, table: str, row: Row) -> None:
        """Note that a row may be there from now on, as far as its values are known."""
        known = {name: value for name, value in row.items() if isinstance(value, str | UUID)}
        self._all.setdefault(table, []).append(known)
        self._few.setdefault(table, []).append(known)
        latest = known.get("id")
        if isinstance(latest, UUID):
            self.latest = (table, latest)

    def row(self, choices: Choices, table: str) -> Row:
        """Return a row of the table, most often one of the few; {} where there can be none."""
        every = self._all.get(table)
        if not every:
            return {}
        if choices.once_in(4):
            return choices(every)
        return self._few[table][-1] if choices.once_in(3) else choices(self._few[table])

    def promise(self, table: str) -> UUID:
        """Return the id of a row that may come later."""
        return self._promised.setdefault(table, self.world.id())

    def promised(self, choices: Choices, table: str) -> Row:
        """Return the id that the row of a table has, if one was promised and this is to be it."""
        kept = table in self._promised and choices.once_in(2)
        return {"id": self._promised.pop(table)} if kept else {}

    def id(self, choices: Choices, table: str, name: str = "id") -> object:
        """Return an id that a row of the table has."""
        value = self.row(choices, table).get(name)
        return NOBODY if value is None else value


def value(choices: Choices, target: Target, table: str, column: Column, *, old: bool) -> object:
    """Return a value for a column; with `old`, perhaps one worked out from what the row has.

    Such an expression calls the row `{old}`: what it is called depends on the statement.
    """
    if choices.once_in(10):
        return choices((None, Sql("DEFAULT")))
    if old and choices.once_in(4):
        return Sql(f"{{old}}.{column.name}{choices(_steps(column.type))}")
    base = column.type.removesuffix("[]")
    if base == column.type:
        return _harmful(choices, target, table, column)
    return choices.some((*target.labels.get(base, TEXTS), None), 0, 3)


def _steps(kind: str) -> tuple[str, ...]:
    if kind in COUNTS:
        return ("", " + 1", " - 1")
    return ("", " + interval '1 second'") if kind.startswith("timestamp") else ("",)


def _harmful(choices: Choices, target: Target, table: str, column: Column) -> object:
    if column.type in target.labels:
        return choices(target.labels[column.type])
    if column.name in BY_NAME:
        return BY_NAME[column.name](choices, target)
    if column.type == "uuid":
        right = column.name == "id" or not choices.once_in(4)
        return target.id(choices, KINDS.get(column.name, table) if right else choices(PARENTS))
    named = NAMED.get(column.name) or TYPED.get(column.type)
    return choices(named) if named else _text(choices, target, table, column.name)


def _text(choices: Choices, target: Target, table: str, name: str) -> object:
    """Return a text of another row, or one about the limit of the column, or one that is odd."""
    other = target.row(choices, table).get(name)
    limit = LIMITS.get((table, name), (0, 60))[1]
    return choices((other, *TEXTS, "a" * limit, "a" * (limit + 1)))


def email(choices: Choices, target: Target) -> object:
    """Return an address of a user or guest, in either case, or seldom one that is none."""
    if choices.once_in(8):
        return choices(ADDRESSES)
    there = target.row(choices, choices(("users", "invitations"))).get("email")
    return str(there).upper() if there is not None and choices.once_in(2) else there


def _urn(choices: Choices, target: Target) -> str:
    """Return a URN in one of the forms, of who may be there, or seldom something else."""
    team, user = str(target.id(choices, "teams")), str(target.id(choices, "users"))
    form = choices(FORMS)
    return form(team, user)


FORMS: tuple[Callable[[str, str], str], ...] = (
    *(lambda _team, user: user_urn(user), lambda team, _user: team_urn(team), member_urn),
    *(lambda team, _user: team_urn(team), member_urn, lambda team, _user: user_urn(team)),
    *(lambda _team, user: team_urn(user), lambda team, _user: team_urn(team).upper()),
    lambda _team, user: f"{user_urn(user)}\n",
)


BY_NAME: Mapping[str, Callable[[Choices, Target], object]] = {"email": email, "owner": _urn}
