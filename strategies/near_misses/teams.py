"""Near misses of the rules of a team's own row: INV-T3 to INV-T6, and AUTO-SLUG."""

import re
from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, Ways
from conformance.engine.sql.writes import Insert, Path, PlainWrite, RawSql, Row, Update, Write
from strategies.naming import SLUG_LIMIT, broken_slugs, slugs, team_names
from strategies.near_misses.relations import unique
from strategies.near_misses.times import created_before_updated
from strategies.near_misses.ways import (
    ONE_ROW,
    Draw,
    besides,
    by_shape,
    one_row,
    replayed,
    scenarios,
)
from strategies.sizes import int32s, negative_int32s
from strategies.world import World

# The letters and digits with which a name begins, no more of them than any slug has room for.
PLAIN: Final = re.compile(r"[ -]*([A-Za-z0-9]{1,24})")

# Of slugs that no two teams share; one that is nearly the same is longer by a letter.
WIDTHS = (1, 12, 49)
# They differ in their ends, or in hyphens alone.
TWINS: Final = (
    *("a" * 49 + "b", "a" * 50, "b" + "a" * 49),
    *("b-c1", "bc1", "b--c1", "bc-1", "b-c-1"),
)


def team(world: World) -> Row:
    """Make a team, which cannot stand without its owner."""
    return world.a_team()


def owned(world: World, row: Row) -> tuple[Write, ...]:
    """Return what gives a team an owner, who has another team already."""
    return (Insert("memberships", (world.a_membership(row, world.creator(), role="owner"),)),)


def nameless(world: World, name: str) -> Row:
    """Return a team of this name, without a slug."""
    return {column: value for column, value in world.a_team(name=name).items() if column != "slug"}


@scenarios
def slugs_many(world: World, draw: Draw) -> Scenario:
    """Insert two teams whose slugs are well-formed; then two of which one's slug is not."""
    rows = [world.a_team(slug=draw(slugs(world.serial()))) for _ in range(4)]
    rows[draw(st.integers(2, 3))] = world.a_team(slug=draw(short_broken_slugs()))
    beside = [write for row in rows for write in owned(world, row)]
    return Scenario(
        given=(tuple(world.given),),
        legal=((*beside[:2], Insert("teams", tuple(rows[:2]))),),
        broken=((*beside[2:], Insert("teams", tuple(rows[2:]))),),
    )


@scenarios
def slugs_malformed(world: World, _draw: Draw) -> Scenario:
    """Insert teams with the shortest slugs there are; then with each kind that is malformed."""
    owner = world.creator()

    def founding(slug: str) -> tuple[Write, ...]:
        row = world.a_team(slug=slug)
        joins = Insert("memberships", (world.a_membership(row, owner, role="owner"),))
        return joins, Insert("teams", (row,))

    bad = ("", "-", "-a", "a-", "A", "aB", "a_b", "a b", "a\n", "\na", "\u00e9", "a.b", "\u0661")
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple(founding(slug) for slug in ("a", "0", "a-b", "a--b", "z" * SLUG_LIMIT)),
        broken=tuple(founding(slug) for slug in bad),
    )


def short_broken_slugs() -> st.SearchStrategy[str]:
    """Slugs that are broken for another reason than their length, which is no matter of INV-T4."""
    return broken_slugs().filter(lambda slug: len(slug) <= SLUG_LIMIT)


def fits(*rows: Row) -> tuple[Fact, ...]:
    """Return what is true of slugs that were made: well-formed, short enough, each its own."""
    ids = ", ".join(f"'{row['id']}'" for row in rows)
    form = (
        f"""slug COLLATE "C" ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' AND length(slug) <= {SLUG_LIMIT}"""
    )
    these = f"FROM public.teams WHERE id IN ({ids})"
    return (
        Fact(f"SELECT count(*) {these} AND {form}", len(rows)),
        Fact(f"SELECT count(DISTINCT slug) {these}", len(rows)),
    )


def keeps(row: Row) -> Fact:
    """Return that a team has the slug that it was given, and none that was made."""
    return Fact(f"SELECT slug FROM public.teams WHERE id = '{row['id']}'", row["slug"], side=False)


def of_the_name(*rows: Row) -> tuple[Fact, ...]:
    """Return that slugs that were made begin like the names, as far as these are plain letters.

    What becomes of other characters is the schema's choice.
    """
    begins = {row["id"]: PLAIN.match(str(row["name"])) for row in rows}
    return tuple(
        Fact(
            f"SELECT left(slug, {len(begin[1])}) FROM public.teams WHERE id = '{key}'",
            begin[1].lower(),
        )
        for key, begin in begins.items()
        if begin
    )


@scenarios
def slugs_made(world: World, draw: Draw) -> Scenario:
    """Insert two teams of one name without slugs, one with a slug, and one of a plain name."""
    name = draw(team_names())
    first, chosen = nameless(world, name), world.a_team(name=name)
    second = {**nameless(world, name), **draw(st.sampled_from(({}, {"slug": None})))}
    plain = nameless(world, "Acme")
    rows = (first, second, chosen, plain)
    beside = [owned(world, row) for row in rows]
    return Scenario(
        given=(tuple(world.given),),
        legal=tuple(
            (*writes, Insert("teams", (row,))) for writes, row in zip(beside, rows, strict=True)
        ),
        facts=(
            *fits(first, second),
            *of_the_name(first, second, plain),
            keeps(chosen),
        ),
    )


@scenarios
def slugs_made_many(world: World, draw: Draw) -> Scenario:
    """Insert three teams of one name, two of them without slugs, in one statement."""
    name = draw(team_names())
    made = [{**nameless(world, name), "slug": None} for _ in range(2)]
    chosen = world.a_team(name=name)
    rows = draw(st.permutations((*made, chosen)))
    beside = [write for row in rows for write in owned(world, row)]
    return Scenario(
        given=(tuple(world.given),),
        legal=((*beside, Insert("teams", tuple(rows))),),
        facts=(*fits(*made), *of_the_name(*made), keeps(chosen)),
    )


@scenarios
def slugs_kept(world: World, draw: Draw) -> Scenario:
    """Rename a team: its slug stays, and another team of its old name gets a slug beside it."""
    row = world.insert("teams", world.a_team())
    world.given.extend(owned(world, row))
    other = nameless(world, str(row["name"]))
    beside = owned(world, other)
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (*beside, PlainWrite(Insert("teams", (other,)))),
            (Update("teams", {"id": row["id"]}, {"name": draw(team_names())}, row),),
        ),
        facts=(*fits(row, other), *of_the_name(other), keeps(row)),
    )


@scenarios
def slugs_replayed(world: World, draw: Draw) -> Scenario:
    """Insert a team without a slug unless it is there; then do it again, which changes nothing."""
    name = draw(team_names())
    row, chosen = nameless(world, name), world.insert("teams", world.a_team(name=name))
    world.given.extend(owned(world, chosen))
    insert = replayed(Insert("teams", (row,)))
    again = replayed(Insert("teams", ({**nameless(world, name), "id": chosen["id"]},)))
    beside = owned(world, row)
    return Scenario(
        given=(tuple(world.given),),
        legal=((*beside, insert), (insert,), (again,)),
        facts=(*fits(row, chosen), *of_the_name(row), keeps(chosen)),
    )


@scenarios
def slugs_taken(world: World, draw: Draw) -> Scenario:
    """Delete a team whose slug was made, and make it again when another team has that slug."""
    name = draw(team_names())
    chosen = world.insert("teams", world.a_team(name=name))
    world.given.extend(owned(world, chosen))
    first, row, heir = (nameless(world, name) for _ in range(3))
    comes = [(*owned(world, each), Insert("teams", (each,))) for each in (first, row, row)]
    (inherits,) = owned(world, heir)
    goes = f"DELETE FROM public.teams WHERE id = '{row['id']}' RETURNING slug"
    takes = f"INSERT INTO public.teams (id, name, slug) SELECT '{heir['id']}', 'Heir', slug"
    taken = RawSql(f"WITH gone AS ({goes}) {takes} FROM gone"), inherits
    return Scenario(
        given=(tuple(world.given), *comes[:2], taken),
        legal=(comes[2],),
        facts=(*fits(first, row, heir), *of_the_name(row), keeps(chosen)),
    )


_T4 = one_row(
    "teams",
    team,
    legal=slugs().map(lambda slug: {"slug": slug}),
    broken=short_broken_slugs().map(lambda slug: {"slug": slug}),
    beside=owned,
    immutable=True,
)

WAYS: dict[str, Ways] = {
    "INV-T3": unique(
        "teams",
        team,
        lambda first, _: {"slug": first["slug"]},
        near=lambda first: {"slug": f"{first['slug']}x"},
        twins=tuple({"slug": each} for each in TWINS),
        immutable=True,
        keys=lambda serial: st.sampled_from(WIDTHS).map(
            lambda width: {"slug": f"{serial}{'a' * (width - len(str(serial)))}"}
        ),
        beside=owned,
    ),
    "INV-T4": besides({**_T4, Path.INSERT_MANY: slugs_many}, insert=slugs_malformed),
    "INV-T5": created_before_updated("teams", team, owned),
    "INV-T6": one_row(
        "teams",
        team,
        legal=int32s().map(lambda n: {"credits": n}),
        broken=negative_int32s().map(lambda n: {"credits": n}),
        beside=owned,
    ),
    "AUTO-SLUG": by_shape(
        insert=st.one_of(slugs_made, slugs_taken),
        insert_many=slugs_made_many,
        update=slugs_kept,
        on_conflict=st.one_of(slugs_kept, slugs_replayed),
        reasons={
            **ONE_ROW,
            Path.MOVE: "a slug is made when a team is inserted, and it has no parent",
            Path.DELETE: "a slug is made when a team is inserted",
            Path.CASCADE: "a slug is made when a team is inserted",
            Path.TRUNCATE: "a slug is made when a team is inserted",
        },
    ),
}
