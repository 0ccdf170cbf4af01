"""Facts of columns that no rule states, each with the writes that show it.

Like the rules' near misses these are writes that must be accepted, and others that must be refused;
what refuses them has no rule to name, so the SQLSTATE and the column do.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase, Fact, Transaction
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.no_label import NoLabel
from conformance.engine.sql.writes import Delete, Insert, Row, Update, literal
from strategies.columns import DEFAULTS, DERIVED, EMAILS, LEAST, NAMED, NULLABLE, TYPED
from strategies.enums import ENUMS
from strategies.tables import COLUMNS, INDEXED, LIMITS
from strategies.world import World, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# What refuses: NOT NULL, CHECK, a unique or foreign key, a type.
NULL, CHECK, KEY, REFERENCE, LABEL = "23502", "23514", "23505", "23503", "22P02"
# A type that has a length of its own, such as varchar(255).
TOO_LONG = "22001"


def a_row(table: str, world: World) -> Row:
    """Return a legal row of a table, with its parents among what the world was given."""
    return MAKERS[table](world)


def beside(table: str, world: World, row: Row) -> tuple[Insert, ...]:
    """Return what has to come in the same transaction as a row."""
    if table != "teams":
        return ()
    return (Insert("memberships", (world.a_membership(row, world.creator(), role="owner"),)),)


@cache
def cases() -> tuple[ColumnCase, ...]:
    """Return all facts of all columns."""
    return tuple(_cases())


def _cases() -> Iterator[ColumnCase]:
    for table in COLUMNS:
        yield from _nulls(table)
        yield from _defaults(table)
        yield _identity(table)
    yield from _lengths()
    yield from _tags()
    yield from _least()
    yield from _labels()
    yield from _types()
    yield from _emails()
    yield from _keys()
    yield from _parents()
    yield from _books()


def _nulls(table: str) -> Iterator[ColumnCase]:
    for column in COLUMNS[table]:
        may = column in NULLABLE.get(table, ()) or (table, column) in DERIVED
        if may or (table, column) in NAMED:
            continue
        world = World()
        row = {**a_row(table, world), column: None}
        yield _case(f"{table}.{column} null", world, _writes(world, table, row), (NULL, column))


def _defaults(table: str) -> Iterator[ColumnCase]:
    world = World()
    row = a_row(table, world)
    given = tuple(world.given)
    expected = dict(DEFAULTS[table])
    times = [column for column in ("created_at", "updated_at") if column in COLUMNS[table]]
    where = f"id = {literal(row['id'])}"
    facts = [
        Fact(f"SELECT {column} = {value} FROM public.{table} WHERE {where}", expected=True)
        for column, value in expected.items()
        if column not in row
    ]
    facts += [
        Fact(
            f"SELECT {column} BETWEEN now() - interval '1 hour' AND now()"
            f" FROM public.{table} WHERE {where}",
            expected=True,
        )
        for column in times
    ]
    accepted = (given, _writes(world, table, row))
    yield ColumnCase(f"{table} defaults", accepted, facts=tuple(facts), tables=(table,))


def _identity(table: str) -> ColumnCase:
    """No two rows share an id; the database gives ids where it is not given them."""
    world = World()
    first = a_row(table, world)
    before = tuple(world.given)
    world.given.clear()
    second = {**a_row(table, world), "id": first["id"]}
    anonymous: list[Transaction] = []
    if table != "system_assets":
        third = a_row(table, world)
        bare = {name: value for name, value in third.items() if name != "id"}
        if table != "teams":
            anonymous.append(tuple(world.given))
            anonymous.append(_writes(world, table, bare))
    accepted = (before, _writes(world, table, first), *(anonymous or [tuple(world.given)]))
    refused = _writes(world, table, second)
    return ColumnCase(f"{table}.id unique", accepted, refused, (KEY, ""), tables=(table,))


def _lengths() -> Iterator[ColumnCase]:
    for (table, column), (fewest, most) in {**LIMITS, **INDEXED}.items():
        world = World()
        text = _long(table, column, most)
        row: Row = {**a_row(table, world), column: text}
        legal = [_writes(world, table, row)]
        given = tuple(world.given)
        if fewest and column != "slug":
            legal.append(_writes(world, table, {**_another(table, world, row), column: "x"}))
        long = {**_another(table, world, row), column: _long(table, column, most + 1)}
        accepted = (given, tuple(world.given[len(given) :]), *legal)
        refused = _writes(world, table, long)
        yield ColumnCase(
            f"{table}.{column} longest",
            accepted,
            refused,
            (CHECK, ""),
            tables=(table,),
            alike=(TOO_LONG,),
        )
        if fewest and column != "slug":
            for empty in ("", " \t ") if (table, column) == ("teams", "name") else ("",):
                bad = {**row, column: empty}
                case = _case(
                    f"{table}.{column} {empty!r}", world, _writes(world, table, bad), (CHECK, "")
                )
                # Whatever else the row has.
                full = {**bad, **FULL.get(table, {})}
                yield replace(case, more=(_writes(world, table, full),))


def _tags() -> Iterator[ColumnCase]:
    """Tags are indexed, each as a whole: together they have at most 500 characters."""
    world = World()
    rows = [world.a_system_asset(tags=["a" * 250, "b" * (250 + more)]) for more in (0, 1)]
    accepted, refused = ((Insert("system_assets", (row,)),) for row in rows)
    tables = ("system_assets",)
    yield ColumnCase("system_assets.tags longest", (accepted,), refused, (CHECK, ""), tables=tables)


def _least() -> Iterator[ColumnCase]:
    for (table, column), least in LEAST.items():
        world = World()
        row: Row = {**a_row(table, world), column: least}
        given = tuple(world.given)
        second = {**_another(table, world, row), column: least - 1}
        accepted = (given, _writes(world, table, row), tuple(world.given[len(given) :]))
        refused = _writes(world, table, second)
        yield ColumnCase(f"{table}.{column} least", accepted, refused, (CHECK, ""), tables=(table,))


def _labels() -> Iterator[ColumnCase]:
    """Labels that no rule speaks of: each is accepted, and no other."""
    for label in (*ENUMS["job_event_type"], NoLabel("another", "job_event_type")):
        world = World()
        row: Row = {**a_row("job_events", world), "event_type": label}
        yield _labelled("job_events.event_type", label, world, _writes(world, "job_events", row))
    for label in (*ENUMS["job_failure_type"], NoLabel("another", "job_failure_type")):
        world = World()
        row = world.insert("jobs", a_row("jobs", world))
        writes = (Update("jobs", {"id": row["id"]}, {"status": "canceled", "failure_type": label}),)
        yield _labelled("jobs.failure_type", label, world, writes)


def _types() -> Iterator[ColumnCase]:
    """Each type has its labels, in their order (a job is active while it is below completed)."""
    for enum, labels in ENUMS.items():
        listed = ", ".join(f"'{label}'" for label in labels)
        query = f"SELECT enum_range(NULL::public.{enum})::text[] = ARRAY[{listed}]"
        yield ColumnCase(
            f"{enum} labels", (), facts=(Fact(query, expected=True),), tables=TYPED[enum]
        )


def _labelled(name: str, label: str, world: World, writes: Transaction) -> ColumnCase:
    table = name.partition(".")[0]
    if isinstance(label, NoLabel):
        # Text with a check, or with a table of labels, is as good as a type.
        case = _case(f"{name} {label}", world, writes, (LABEL, ""))
        return replace(case, alike=(CHECK, REFERENCE))
    return ColumnCase(f"{name} {label}", (tuple(world.given), writes), tables=(table,))


def _emails() -> Iterator[ColumnCase]:
    for table in ("users", "invitations"):
        for email in EMAILS:
            world = World()
            row = {**a_row(table, world), "email": email}
            yield _case(f"{table}.email {email!a}", world, _writes(world, table, row), (CHECK, ""))
        world = World()
        accepted = [a_row(table, world), a_row(table, world)]
        emails = ("!@!.!", "A.b+c~?@x-1.~a?A")
        writes = [
            _writes(world, table, {**row, "email": email})
            for row, email in zip(accepted, emails, strict=True)
        ]
        yield ColumnCase(f"{table}.email edges", (tuple(world.given), *writes), tables=(table,))


def _keys() -> Iterator[ColumnCase]:
    world = World()
    first, second = a_row("invitations", world), a_row("invitations", world)
    accepted = (tuple(world.given), (Insert("invitations", (first,)),))
    again = (Insert("invitations", ({**second, "token": first["token"]},)),)
    yield ColumnCase(
        "invitations.token unique", accepted, again, (KEY, ""), tables=("invitations",)
    )
    yield _idempotency()


def _idempotency() -> ColumnCase:
    """A key is used once by each user, and no key as often as wanted."""
    world = World()
    team, owner = world.team()
    plain = [world.a_job(owner, urn_of_team(team)) for _ in range(4)]
    keyed = [{**row, "idempotency_key": "once"} for row in plain]
    other = world.starter()
    accepted = (
        tuple(world.given),
        (Insert("jobs", (plain[0],)), Insert("jobs", (plain[1],))),
        (Insert("jobs", (keyed[2],)),),
        (Insert("jobs", ({**world.a_job(other), "idempotency_key": "once"},)),),
    )
    again = (Insert("jobs", (keyed[3],)),)
    return ColumnCase("jobs.idempotency_key unique", accepted, again, (KEY, ""), tables=("jobs",))


def _parents() -> Iterator[ColumnCase]:
    """Rows whose parent goes, where no rule says what becomes of them."""
    world = World()
    event = a_row("job_events", world)
    refused = _writes(world, "job_events", {**event, "job_id": world.id()})
    yield _case("job_events.job_id exists", world, refused, (REFERENCE, ""))
    delivery = world.a_delivery(_hook(world), job_id=world.id())
    refused = _writes(world, "webhook_deliveries", delivery)
    yield _case("webhook_deliveries.job_id exists", world, refused, (REFERENCE, ""))
    yield from _goes()


def _goes() -> Iterator[ColumnCase]:
    def goes(name: str, world: World, gone: Transaction, query: str) -> ColumnCase:
        accepted = (tuple(world.given), gone)
        table = name.partition(".")[0]
        facts = (Fact(query, expected=True),)
        return ColumnCase(f"{name} when it goes", accepted, facts=facts, tables=(table,))

    world = World()
    job = world.job(world.starter())
    world.insert("job_events", world.an_event(job))
    delivery = world.insert("webhook_deliveries", world.a_delivery(_hook(world), job_id=job["id"]))
    world.move(job, "canceled")
    gone: Transaction = (Delete("jobs", {"id": job["id"]}),)
    none = "SELECT count(*) = 0 FROM public"
    yield goes("job_events.job_id", world, gone, f"{none}.job_events")
    left = f"SELECT job_id IS NULL FROM public.webhook_deliveries WHERE id = '{delivery['id']}'"
    yield goes("webhook_deliveries.job_id", world, gone, left)
    for name, parent in (
        ("api_keys.user_id", "users"),
        ("webhook_deliveries.webhook_id", "webhooks"),
    ):
        table, _, column = name.partition(".")
        world = World()
        row = world.insert(table, a_row(table, world))
        yield goes(name, world, (Delete(parent, {"id": row[column]}),), f"{none}.{table}")
    for table in ("memberships", "invitations", "projects", "webhooks"):
        world = World()
        team, owner = world.team()
        if table != "memberships":
            world.insert(table, TEAMS[table](world, team, owner))
        # Its owner, who would be left without a team, goes too.
        gone = (Delete("teams", {"id": team["id"]}), Delete("users", {"id": owner["id"]}))
        yield goes(f"{table}.team_id", world, gone, f"{none}.{table}")


def _books() -> Iterator[ColumnCase]:
    """Bookkeeping of a row goes with the row, and is there before it."""
    world = World()
    owner, team = world.a_creator(), world.a_team()
    joins = world.a_membership(team, owner, role="owner")
    # Its guards are written before the user and the team are there.
    founded = (Insert("memberships", (joins,)), Insert("teams", (team,)), Insert("users", (owner,)))
    gone = (Delete("teams", {"id": team["id"]}), Delete("users", {"id": owner["id"]}))
    for books, row, parent in (("user_guards", owner, "user"), ("team_guards", team, "team")):
        kept = f"FROM framecast.{books} WHERE {parent}_id = '{row['id']}'"
        none = Fact(f"SELECT count(*) = 0 {kept}", expected=True)
        tables = (f"framecast.{books}", f"{parent}s")
        yield ColumnCase(f"{books} when it goes", (founded, gone), facts=(none,), tables=tables)


FULL: Final[Mapping[str, Row]] = {
    "teams": {"credits": 5, "ephemeral_storage_bytes": 5, "settings": Jsonb({"theme": "dark"})},
    "projects": {"spec": Jsonb({"title": "Harbour"})},
}
TEAMS: Final[Mapping[str, Callable[[World, Row, Row], Row]]] = MappingProxyType(
    {
        "invitations": lambda world, team, owner: world.an_invitation(team, owner),
        "projects": lambda world, team, owner: world.a_project(team, owner),
        "webhooks": lambda world, team, owner: world.a_webhook(team, owner),
    }
)


def _hook(world: World) -> Row:
    team, owner = world.team()
    return world.insert("webhooks", world.a_webhook(team, owner))


def _invitation(world: World) -> Row:
    return world.an_invitation(*world.team())


def _membership(world: World) -> Row:
    team, _ = world.team()
    return world.a_membership(team, world.creator())


MAKERS: Final[Mapping[str, Callable[[World], Row]]] = MappingProxyType(
    {
        "users": lambda world: world.a_starter(),
        "teams": lambda world: world.a_team(),
        "memberships": _membership,
        "invitations": _invitation,
        "api_keys": lambda world: world.a_key(world.starter()),
        "projects": lambda world: world.a_project(*world.team()),
        "jobs": lambda world: world.a_job(world.starter()),
        "job_events": lambda world: world.an_event(world.job(world.starter())),
        "asset_files": lambda world: world.an_asset(world.starter()),
        "webhooks": lambda world: world.a_webhook(*world.team()),
        "webhook_deliveries": lambda world: world.a_delivery(_hook(world)),
        "usage": lambda world: world.a_usage(urn_of_user(world.starter())),
        "system_assets": lambda world: world.a_system_asset(),
    }
)


def _another(table: str, world: World, row: Row) -> Row:
    """Return a row that shares no key with one before."""
    made = a_row(table, world)
    return {**row, **{name: made[name] for name in made if name in row}}


def _writes(world: World, table: str, row: Row) -> Transaction:
    """Return what inserts a row; a team comes with its owner."""
    if table != "teams" or row.get("id") is None:
        return (Insert(table, (row,)),)
    owner = world.a_creator()
    joins = Insert("memberships", (world.a_membership(row, owner, role="owner"),))
    return (Insert("users", (owner,)), Insert(table, (row,)), joins)


def _long(table: str, column: str, length: int) -> str:
    """Return a text of so many characters that is legal but for its length."""
    if column == "email":
        return "a@" + "b" * (length - 5) + ".co"
    if column == "url":
        return "https://example.com/" + "x" * (length - 20)
    if (table, column) == ("system_assets", "id"):
        return "asset_sfx_" + "x" * (length - 10)
    return "x" * length


def _case(name: str, world: World, refused: Transaction, by: tuple[str, str]) -> ColumnCase:
    table = name.partition(".")[0]
    return ColumnCase(name, (tuple(world.given),), refused, by, tables=(table,))
