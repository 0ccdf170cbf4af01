"""Values that hurt, for any column, from what may be in the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from hypothesis import strategies as st

from conformance.writes import Row, Sql
from strategies.documents import Jsonb
from strategies.owners import member_urn, team_urn, user_urn
from strategies.sizes import ASSET_LIMIT, INT32_MAX, INT64_MAX
from strategies.tables import LIMITS
from strategies.world import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    from strategies.hostile_worlds import Prelude
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
COUNTS = ("integer", "bigint", "numeric", "job_credits", "byte_count")
NUMBERS = (0, 1, -1, 2, 3, 4, 5, 6, 50, 51, ASSET_LIMIT, ASSET_LIMIT + 1, INT32_MAX, INT64_MAX)
TIMES = (
    *("now()", "now() - interval '1 second'", "now() + interval '1 hour'"),
    *("now() - interval '8 days'", "now() - interval '31 days'", "now() + interval '7 days'"),
    *("clock_timestamp()", "'infinity'", "'-infinity'"),
)
INSTANTS = (*map(Sql, TIMES), NOW, NOW + timedelta(days=1))
DOCUMENTS = (Jsonb({}), Jsonb({"a": 1}), Jsonb([]), Jsonb(None), Jsonb(["*"]), Jsonb("a"))
TEXTS = ("a", "", " ", "A", "é", "a-b", "2026-01", "a\tb\\N")
ADDRESSES = ("a@b.c", "a@b", "É@b.c")
NAMED = {
    "url": ("https://example.com/a", "HTTPS://a.b:1?c", "http://a.b", "https://", "https://a b"),
    "period": ("2026-01", "2026-02", "2026-12", "2026-13", "26-01", "2026-1"),
    "content_type": ("image/png", "video/mp4", "text/html", ""),
    "sequence": (0, 1, 2, 3, -1, INT64_MAX),
}


@cache
def _below(number: int) -> SearchStrategy[int]:
    return st.integers(0, number - 1)


class Dice:
    """Choices among what is there: numbers all of them, the first one the simplest."""

    def __init__(self, draw: DrawFn) -> None:
        """Choose by drawing."""
        self._draw = draw

    def __call__(self, choices: Sequence[T]) -> T:
        """Return one of some things."""
        return choices[self._draw(_below(len(choices)))]

    def once_in(self, number: int) -> bool:
        """Return True once in a number of times, and False where that is simplest."""
        return self._draw(_below(number)) == number - 1

    def some(self, choices: Sequence[T], fewest: int, most: int) -> list[T]:
        """Return between so many different things."""
        left = list(choices)
        count = min(fewest + self._draw(_below(most - fewest + 1)), len(left))
        return [left.pop(self._draw(_below(len(left)))) for _ in range(count)]


class Aim:
    """What a raid aims at: all rows that may be there, and the few that most of it is about."""

    def __init__(
        self, dice: Dice, prelude: Prelude, labels: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Choose the few among the rows of a prelude."""
        self.world: World = prelude.world
        self.labels = labels
        self._all = {table: list(rows) for table, rows in prelude.rows.items()}
        self._few = {table: dice.some(rows, 1, 2) for table, rows in self._all.items()}

    def remember(self, table: str, row: Row) -> None:
        """Note that a row may be there from now on, as far as its values are known."""
        known = {name: value for name, value in row.items() if isinstance(value, str | UUID)}
        self._all.setdefault(table, []).append(known)
        self._few.setdefault(table, []).append(known)

    def row(self, dice: Dice, table: str) -> Row:
        """Return a row of the table, most often one of the few; {} where there can be none."""
        every = self._all.get(table)
        if not every:
            return {}
        return dice(every) if dice.once_in(4) else dice(self._few[table])

    def id(self, dice: Dice, table: str, name: str = "id") -> object:
        """Return an id that a row of the table has."""
        value = self.row(dice, table).get(name)
        return NOBODY if value is None else value


def value(dice: Dice, aim: Aim, table: str, name: str, kind: str, *, old: bool) -> object:
    """Return a value for a column of a type; with `old`, perhaps one worked out from what it has.

    Expressions that read a row name its table, so that ON CONFLICT and MERGE know whose it is.
    """
    if dice.once_in(10):
        return dice((None, Sql("DEFAULT")))
    if old and dice.once_in(4):
        return Sql(f"{{old}}.{name}{dice(_steps(kind))}")
    return _harmful(dice, aim, table, name, kind)


def _steps(kind: str) -> tuple[str, ...]:
    if kind in COUNTS:
        return ("", " + 1", " - 1")
    return ("", " + interval '1 second'") if kind.startswith("timestamp") else ("",)


def _harmful(dice: Dice, aim: Aim, table: str, name: str, kind: str) -> object:
    base = kind.removesuffix("[]")
    if base in aim.labels:
        labels = aim.labels[base]
        return dice(labels) if base == kind else dice.some((*labels, None), 0, 3)
    if name in NAMED:
        return dice(NAMED[name])
    if name == "email":
        return email(dice, aim)
    if name == "owner":
        return _urn(dice, aim)
    if base == "uuid":
        right = name == "id" or not dice.once_in(4)
        return aim.id(dice, KINDS.get(name, table) if right else dice(PARENTS))
    if base in COUNTS:
        return dice(NUMBERS)
    if base.startswith("timestamp"):
        return dice(INSTANTS)
    if base == "jsonb":
        return dice(DOCUMENTS)
    if base == "boolean":
        return dice((False, True))
    return _text(dice, aim, table, name) if base == kind else dice.some(TEXTS, 0, 2)


def _text(dice: Dice, aim: Aim, table: str, name: str) -> object:
    """Return a text of another row, or one about the limit of the column, or one that is odd."""
    other = aim.row(dice, table).get(name)
    limit = LIMITS.get((table, name), (0, 60))[1]
    return dice((other, *TEXTS, "a" * limit, "a" * (limit + 1)))


def email(dice: Dice, aim: Aim) -> object:
    """Return an address of a user or guest, in either case, or seldom one that is none."""
    if dice.once_in(8):
        return dice(ADDRESSES)
    there = aim.row(dice, dice(("users", "invitations"))).get("email")
    return str(there).upper() if there is not None and dice.once_in(2) else there


def _urn(dice: Dice, aim: Aim) -> str:
    """Return a URN in one of the forms, of who may be there, or seldom something else."""
    team, user = str(aim.id(dice, "teams")), str(aim.id(dice, "users"))
    form = dice(FORMS)
    return form(team, user)


FORMS: tuple[Callable[[str, str], str], ...] = (
    *(lambda _team, user: user_urn(user), lambda team, _user: team_urn(team), member_urn),
    *(lambda team, _user: team_urn(team), member_urn, lambda team, _user: user_urn(team)),
    *(lambda _team, user: team_urn(user), lambda team, _user: team_urn(team).upper()),
    lambda _team, user: f"{user_urn(user)}\n",
)
