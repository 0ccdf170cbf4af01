"""Values that hurt, for any column, from what may be in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from hypothesis import strategies as st

from conformance.writes import Row, Sql
from strategies.documents import Jsonb
from strategies.owners import member_urn, team_urn, user_urn
from strategies.sizes import ASSET_LIMIT, INT32_MAX, INT64_MAX
from strategies.tables import LIMITS
from strategies.web import broken_urls, urls
from strategies.world import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from strategies.hostile_worlds import Prelude
    from strategies.world import World

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
NUMBERS = (0, 1, -1, 2, 5, 6, 49, 50, 51, ASSET_LIMIT, ASSET_LIMIT + 1, INT32_MAX, INT64_MAX)
TIMES = (
    *("now()", "now() - interval '1 second'", "now() + interval '1 hour'"),
    *("now() - interval '8 days'", "now() - interval '31 days'", "now() + interval '7 days'"),
    *("clock_timestamp()", "'infinity'", "'-infinity'"),
)
DOCUMENTS = (Jsonb({}), Jsonb({"a": 1}), Jsonb([]), Jsonb(None), Jsonb(["*"]), Jsonb("a"))


class Aim:
    """What a raid aims at: all rows that may be there, and the few that most of it is about.

    `known` tells whose columns are known: (table, column) pairs of rows that may be there.
    """

    def __init__(
        self,
        prelude: Prelude,
        chosen: Mapping[str, Sequence[Row]],
        labels: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Aim at rows of a prelude."""
        self.world: World = prelude.world
        self.labels = labels
        self._all = {table: list(rows) for table, rows in prelude.rows.items()}
        self._chosen = {table: list(rows) for table, rows in chosen.items()}
        self.known = {
            (table, name) for table, rows in self._all.items() for row in rows for name in row
        }

    def remember(self, table: str, row: Row) -> None:
        """Note that a row may be there from now on, as far as its values are known."""
        ids = {name for name in row if name == "id" or name in KINDS}
        known = {
            name: value
            for name, value in row.items()
            if isinstance(value, UUID if name in ids and table != "system_assets" else str)
        }
        self._all.setdefault(table, []).append(known)
        self._chosen.setdefault(table, []).append(known)
        self.known.update((table, name) for name in known)

    def rows(self, table: str) -> SearchStrategy[Row]:
        """Return a row of the table, most often one of the few; one that is not there, if none."""
        chosen, every = self._chosen.get(table), self._all.get(table)
        if not chosen or not every:
            return st.builds(lambda: {"id": self.world.id()})
        few = st.sampled_from(tuple(chosen))
        return st.one_of(few, few, few, st.sampled_from(tuple(every)))

    def column(self, table: str, name: str) -> SearchStrategy[object]:
        """Return a value that a row of the table has in a column."""
        return self.rows(table).map(lambda row: row.get(name))

    def ids(self, table: str) -> SearchStrategy[object]:
        """Return an id of a row of the table."""
        return self.column(table, "id")


def values(
    aim: Aim, table: str, name: str, kind: str, *, old: bool
) -> SearchStrategy[object]:
    """Return values for a column of a type; with `old`, also such as come from the row before."""
    harmful = _harmful(aim, table, name, kind)
    some = [harmful, harmful, harmful]
    if old:
        some.append(st.just(Sql(name)))
        if kind in ("integer", "bigint", "job_credits"):
            some.append(st.sampled_from((Sql(f"{name} + 1"), Sql(f"{name} - 1"))))
        if kind.startswith("timestamp"):
            some.append(st.just(Sql(f"{name} + interval '1 second'")))
    some.append(st.sampled_from((None, Sql("DEFAULT"), None)))
    return st.one_of(*some)


def _harmful(aim: Aim, table: str, name: str, kind: str) -> SearchStrategy[object]:
    base = kind.removesuffix("[]")
    if base in aim.labels:
        labels = st.sampled_from(aim.labels[base])
        return st.lists(st.none() | labels, max_size=3) if kind != base else labels
    if name in BY_NAME:
        return BY_NAME[name](aim)
    if base == "uuid":
        return _ids(aim, table, name)
    if base in ("integer", "bigint", "numeric", "job_credits", "byte_count"):
        return st.sampled_from(NUMBERS)
    if base.startswith("timestamp"):
        near = st.sampled_from((NOW, NOW + timedelta(days=1)))
        return st.sampled_from(tuple(map(Sql, TIMES))) | near
    if base == "jsonb":
        return st.sampled_from(DOCUMENTS)
    if base == "boolean":
        return st.booleans()
    texts = _texts(aim, table, name)
    return st.lists(texts, max_size=2) if kind != base else texts


def _ids(aim: Aim, table: str, name: str) -> SearchStrategy[object]:
    right = aim.ids(KINDS.get(name, table))
    wrong = st.sampled_from(tuple(dict.fromkeys(KINDS.values()))).flatmap(aim.ids)
    return st.one_of(right, right, right, wrong, st.just(UUID(int=0)))


def _texts(aim: Aim, table: str, name: str) -> SearchStrategy[object]:
    """Return texts of other rows, and texts about the limit of the column."""
    texts = st.sampled_from(("", " ", "a", "A", "é", "a-b", "2026-01", "a\tb\\N"))
    limit = LIMITS.get((table, name))
    if limit:
        texts |= st.sampled_from(("a" * limit[1], "a" * (limit[1] + 1)))
    return aim.column(table, name) | texts if (table, name) in aim.known else texts


def _emails(aim: Aim) -> SearchStrategy[object]:
    """Return addresses of users and guests, in either case, and some that are none."""
    there = st.one_of(aim.column("users", "email"), aim.column("invitations", "email"))
    recased = there.map(lambda email: None if email is None else str(email).upper())
    return st.one_of(there, recased, recased, st.sampled_from(("a@b.c", "a@b", "", "É@b.c")))


def _urns(aim: Aim) -> SearchStrategy[object]:
    """Return URNs in all forms, of users and teams that may be there, and some that are none."""

    def written(team: object, user: object, form: int) -> str:
        teams, users = str(team or UUID(int=0)), str(user or UUID(int=0))
        forms = (
            *(user_urn(users), team_urn(teams), member_urn(teams, users)),
            *(user_urn(teams), team_urn(users), team_urn(teams).upper(), f"{user_urn(users)}\n"),
        )
        return forms[form % len(forms)]

    return st.builds(written, aim.ids("teams"), aim.ids("users"), st.integers(0, 8))


BY_NAME = {
    "email": _emails,
    "owner": _urns,
    "url": lambda _aim: st.one_of(urls(), broken_urls()),
    "period": lambda _aim: st.sampled_from(("2026-01", "2026-12", "2026-13", "26-01", "2026-1")),
    "content_type": lambda _aim: st.sampled_from(("image/png", "video/mp4", "text/html", "")),
}
