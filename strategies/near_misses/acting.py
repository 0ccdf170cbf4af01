"""Ways to try rules on the user who makes a row, and on the owner that the row names."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Update, Write
from strategies.enums import MEMBERSHIP_ROLE
from strategies.near_misses.actors import Act, Kind, person, urn, with_a_past
from strategies.near_misses.ways import Draw, by_shape, fixed, scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from strategies.world import World

# A team, and its first owner.
Place: TypeAlias = tuple[Row, Row]


def acted(
    kinds: Sequence[Kind],
    *,
    legal: Sequence[Act],
    broken: Sequence[Act],
    strangers: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Ways:
    """Return ways for a rule on who makes rows of these kinds: asked on write, never after.

    Args:
        kinds: the kinds of rows.
        legal: acts at the edge of the rule.
        broken: acts one step over it.
        strangers: by the form of the owner, other rules that an act of somebody outside the team
            breaks.
    """
    tries = _Tries(kinds, legal, broken, strangers)
    inserts = scenarios(tries.inserts)
    joins = scenarios(tries.joins)
    afterwards = scenarios(tries.afterwards)
    is_early = tries.in_teams and tries.without_team
    return by_shape(
        insert=st.one_of(inserts, joins) if tries.in_teams else inserts,
        insert_many=scenarios(tries.inserts_many),
        update=scenarios(tries.updates),
        move=scenarios(tries.moves),
        other=st.one_of(afterwards, scenarios(tries.early)) if is_early else afterwards,
        reasons={
            Path.DELETE: "asked when a row is written: the end of a membership is tried as other",
            Path.CASCADE: "asked when a row is written: what goes later does not undo it",
            Path.TRUNCATE: "asked when a row is written: what goes later does not undo it",
        },
    )


@dataclass(frozen=True, slots=True)
class _Tries:
    """The scenarios of one rule: see `acted` for the attributes."""

    kinds: Sequence[Kind]
    legal: Sequence[Act]
    broken: Sequence[Act]
    strangers: Mapping[str, frozenset[str]]

    @property
    def in_teams(self) -> tuple[Act, ...]:
        """The legal acts that name a team."""
        return tuple(act for act in self.legal if act[1] != "user")

    @property
    def without_team(self) -> tuple[Kind, ...]:
        """The kinds of rows that no key ties to the team which their owner names."""
        return tuple(kind for kind in self.kinds if kind.scope == "owner" and not kind.also)

    @property
    def any_stranger(self) -> frozenset[str]:
        """The other rules that somebody outside the team may break, whatever the form."""
        return frozenset[str]().union(*self.strangers.values())

    def over(self, act: Act, *writes: Write) -> ViolatesSeveral:
        """Return a transaction in which somebody acts who may not."""
        who, form = act
        also = self.strangers.get(form, frozenset())
        if who in MEMBERSHIP_ROLE or not also:
            return ViolatesSeveral(writes, frozenset())
        return ViolatesSeveral(writes, also, "whoever is outside the team has no role in it either")

    def inserts(self, world: World, draw: Draw) -> Scenario:
        """Let somebody make a row who may; then who may not, of each kind, with a past and none."""
        kind = draw(st.sampled_from(self.kinds))
        team, owner = world.team()
        good = _row(world, draw, kind, (team, owner), draw(st.sampled_from(self.legal)))
        bad = [
            (each, act, _row(world, draw, each, (team, owner), act, has_past=has_past))
            for each in self.kinds
            for has_past in (False, True)
            for act in (draw(st.sampled_from(self.broken)),)
        ]
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert(kind.table, (good,)),),),
            broken=tuple(self.over(act, Insert(each.table, (row,))) for each, act, row in bad),
        )

    def inserts_many(self, world: World, draw: Draw) -> Scenario:
        """Let two make a row each who may; then one who may and one who may not."""
        kind = draw(st.sampled_from(self.kinds))
        team, owner = world.team()
        legal = st.sampled_from(self.legal)
        four = (draw(legal), draw(legal), self.legal[0], draw(st.sampled_from(self.broken)))
        rows = [_row(world, draw, kind, (team, owner), act) for act in four]
        bad = rows[2:] if draw(st.booleans()) else rows[:1:-1]
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert(kind.table, tuple(rows[:2])),),),
            broken=(self.over(four[3], Insert(kind.table, tuple(bad))),),
        )

    def updates(self, world: World, draw: Draw) -> Scenario:
        """Write the actor and owner of somebody who may; then those of somebody who may not.

        Where the actor never changes, the first are those that are there, and IMM-1 refuses the
        second as well.
        """
        kind = draw(st.sampled_from(self.kinds))
        team, owner = world.team()
        row = _row(world, draw, kind, (team, owner), draw(st.sampled_from(self.legal)))
        better = _row(world, draw, kind, (team, owner), draw(st.sampled_from(self.legal)))
        act = draw(st.sampled_from(self.broken))
        bad = _row(world, draw, kind, (team, owner), act)
        world.insert(kind.table, row)
        good = row if kind.fixed else better

        def write(of: Row) -> Update:
            changes = {name: of[name] for name in (kind.actor, kind.scope)}
            return Update(kind.table, {"id": row["id"]}, changes, row)

        return Scenario(
            given=(tuple(world.given),),
            legal=((write(good),),),
            broken=(
                fixed(write(bad), also=self.any_stranger | kind.also)
                if kind.fixed
                else self.over(act, write(bad)),
            ),
        )

    def moves(self, world: World, draw: Draw) -> Scenario:
        """Leave a row to its team; then move it to one where its maker is nobody (IMM-1, too)."""
        kind = draw(st.sampled_from(self.kinds))
        team, owner = world.team()
        other, stranger = world.team()
        who, form = draw(st.sampled_from(self.legal))
        user = person(world, team, owner, who)
        row = kind.make(world, team, user, urn(form, team, user, owner))
        away = "another's" if form == "user" else form
        bad = kind.make(world, other, user, urn(away, other, user, stranger))
        world.insert(kind.table, row)
        key = {"id": row["id"]}
        return Scenario(
            given=(tuple(world.given),),
            legal=((Update(kind.table, key, {kind.scope: row[kind.scope]}),),),
            broken=(
                fixed(
                    Update(kind.table, key, {kind.scope: bad[kind.scope]}),
                    also=self.any_stranger | kind.also,
                ),
            ),
        )

    def afterwards(self, world: World, draw: Draw) -> Scenario:
        """Take a maker's role, then the membership, and write the same row again: all is legal.

        Then let who has left the team make another row of it, or of another user's.
        """
        kind = draw(st.sampled_from(self.kinds))
        team, owner = world.team()
        who, form = draw(st.sampled_from([act for act in self.legal if act[0] in MEMBERSHIP_ROLE]))
        user = world.creator()
        joins = world.insert("memberships", world.a_membership(team, user, role=who))
        made = kind.make(world, team, user, urn(form, team, user, owner))
        over = "another's" if form == "user" else form
        again = kind.make(world, team, user, urn(over, team, user, owner))
        world.insert(kind.table, made)
        key = {"id": joins["id"]}
        touch = Update(kind.table, {"id": made["id"]}, {kind.actor: user["id"]})
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (Update("memberships", key, {"role": "viewer"}), touch),
                (Delete("memberships", key), touch),
            ),
            broken=(self.over(("stranger", over), Insert(kind.table, (again,))),),
        )

    def joins(self, world: World, draw: Draw) -> Scenario:
        """Join and make a row in one transaction; then leave and make another."""
        kind = draw(st.sampled_from(self.kinds))
        team, owner = world.team()
        who, form = draw(st.sampled_from(self.in_teams))
        user = world.creator()
        joins = world.a_membership(team, user, role=who)
        rows = [kind.make(world, team, user, urn(form, team, user, owner)) for _ in range(2)]
        leaves = Delete("memberships", {"id": joins["id"]})
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("memberships", (joins,)), Insert(kind.table, (rows[0],))),),
            broken=(self.over(("stranger", form), leaves, Insert(kind.table, (rows[1],))),),
        )

    def early(self, world: World, draw: Draw) -> Scenario:
        """Join a team that comes afterwards, and act in it; then act in one that never comes.

        A membership may come before its team, and may be gone again at commit.
        """
        kind = draw(st.sampled_from(self.without_team))
        form = draw(st.sampled_from(self.in_teams))[1]
        user, colleague = world.creator(), world.creator()
        there, nowhere = world.a_team(), world.a_team()
        joins = [world.a_membership(team, user, role="owner") for team in (there, nowhere)]
        rows = [
            kind.make(world, team, user, urn(form, team, user, colleague))
            for team in (there, nowhere)
        ]
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (
                    Insert("memberships", (joins[0],)),
                    Insert("teams", (there,)),
                    Insert(kind.table, (rows[0],)),
                ),
            ),
            broken=(
                self.over(
                    ("stranger", form),
                    Insert("memberships", (joins[1],)),
                    Insert(kind.table, (rows[1],)),
                    Delete("memberships", {"id": joins[1]["id"]}),
                ),
            ),
        )


def _row(
    world: World,
    draw: Draw,
    kind: Kind,
    place: Place,
    act: Act,
    *,
    has_past: bool | None = None,
) -> Row:
    """Make a row that somebody makes for an owner; whether with a past is drawn unless it is said.

    Owners, and people outside all teams, have none.
    """
    (team, owner), (who, form) = place, act
    past = draw(st.booleans()) if has_past is None else has_past
    may_have = past and who not in {"owner", "starter"}
    user = (with_a_past if may_have else person)(world, team, owner, who)
    other = owner
    if user is owner and form in {"colleague", "another's"}:
        other = world.member(team)
    return kind.make(world, team, user, urn(form, team, user, other))
