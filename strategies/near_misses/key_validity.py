"""Near misses of the rules on which keys are valid: INV-A4 and INV-A5."""

from collections.abc import Mapping

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, OwnCheck, Scenario, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, RawSql, Row, Sql, Update
from strategies.instants import FUTURE_START, PAST_END, TICK, TURN
from strategies.near_misses.keys import key
from strategies.near_misses.ways import ONE_ROW, Draw, besides, by_shape, scenarios
from strategies.session_settings import REPEATS
from strategies.world import World

PAST, FUTURE = PAST_END - TICK, FUTURE_START
VALID: tuple[Row, ...] = (
    {"expires_at": None, "revoked_at": None},
    {"expires_at": FUTURE, "revoked_at": None},
)
ENDED: Mapping[str, tuple[Row, ...]] = {
    "INV-A4": (
        {"expires_at": None, "revoked_at": PAST},
        {"expires_at": FUTURE, "revoked_at": PAST},
        {"expires_at": None, "revoked_at": FUTURE},
    ),
    "INV-A5": (
        {"expires_at": PAST, "revoked_at": None},
        {"expires_at": Sql("clock_timestamp()"), "revoked_at": None},
        {"expires_at": PAST, "revoked_at": PAST},
    ),
}
# What ends a valid key within a transaction, that began before the key's end.
AT_ONCE: Mapping[str, tuple[Row, ...]] = {
    "INV-A4": ({"revoked_at": PAST}, {"revoked_at": Sql("clock_timestamp()")}),
    "INV-A5": ({"expires_at": Sql("clock_timestamp()")},),
}
UNKNOWN = "00000000-0000-0000-0000-00000000dead"


def _lasting(world: World) -> Row:
    """Make a key that never expires, and says so: a schema may give one an end."""
    return {**key(world), "expires_at": None}


def _valid(row: Row, *, expected: bool) -> tuple[Fact, ...]:
    """Return whether a key is valid now, and at a time before any that it may end at later."""
    at = f", timestamptz '{FUTURE - TICK}'"
    return tuple(
        Fact(f"SELECT public.api_key_is_valid('{row['id']}'{when})", expected, expected)
        for when in ("", at)
    )


def _at_its_end(row: Row) -> tuple[Fact, ...]:
    """Return that a key is valid until it expires, and no longer: to the microsecond."""
    if row["expires_at"] is None:
        return ()
    call = f"SELECT public.api_key_is_valid('{row['id']}', timestamptz '{{}}')"
    return (
        Fact(call.format(FUTURE - TICK), expected=True),
        Fact(call.format(FUTURE), expected=False, side=False),
    )


@scenarios
def at_the_turn(world: World, _: Draw) -> Scenario:
    """Ask just before a key expires, and just after another one; the clocks are put back."""
    good = {**key(world), "expires_at": TURN + TICK}
    bad = {**key(world), "expires_at": TURN}
    call = "SELECT public.api_key_is_valid('{}', timestamptz '{}')"
    return Scenario(
        given=(tuple(world.given),),
        legal=((Insert("api_keys", (good,)),), (Insert("api_keys", (bad,)),)),
        facts=(
            Fact(call.format(good["id"], TURN), expected=True),
            Fact(call.format(bad["id"], TURN + TICK), expected=False, side=False),
        ),
        settings=(("TimeZone", REPEATS),),
    )


def validity(rule: str) -> Ways:
    """Return ways for what makes a key invalid: in which states it is valid, and in which not."""
    ended = st.sampled_from(ENDED[rule])

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        """Insert a valid key, and one that is not; ask for them, and for one that there is not."""
        good = {**key(world), **draw(st.sampled_from(VALID))}
        bad = {**key(world), **draw(ended)}
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", (good,)),), (Insert("api_keys", (bad,)),)),
            facts=(
                *_valid(good, expected=True),
                *_valid(bad, expected=False),
                Fact(f"SELECT public.api_key_is_valid('{UNKNOWN}')", expected=False, side=False),
                *_at_its_end(good),
            ),
        )

    @scenarios
    def inserts_many(world: World, draw: Draw) -> Scenario:
        """Insert at once keys in all states."""
        good = [{**key(world), **columns} for columns in VALID]
        bad = [{**key(world), **columns} for columns in ENDED[rule]]
        rows = (*good, *bad) if draw(st.booleans()) else (*bad, *good)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert("api_keys", rows),),),
            facts=(
                *(fact for row in good for fact in _valid(row, expected=True)),
                *(fact for row in bad for fact in _valid(row, expected=False)),
            ),
        )

    @scenarios
    def updates(world: World, draw: Draw) -> Scenario:
        """End a key, also in a transaction that has asked; and make one valid that had ended."""
        good = world.insert("api_keys", {**key(world), **draw(ended)})
        bad = world.insert("api_keys", _lasting(world))
        revived = draw(st.sampled_from(VALID))
        end = draw(st.sampled_from(AT_ONCE[rule]))
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                (Update("api_keys", {"id": good["id"]}, revived, good),),
                (Update("api_keys", {"id": bad["id"]}, draw(ended), bad),),
            ),
            within=(
                OwnCheck(
                    (
                        RawSql(_valid(good, expected=True)[0].query),
                        Update("api_keys", {"id": good["id"]}, end, good),
                    ),
                    _valid(good, expected=False)[:1],
                ),
            ),
            facts=(*_valid(good, expected=True), *_valid(bad, expected=False)),
        )

    @scenarios
    def deletions(world: World, draw: Draw) -> Scenario:
        """Delete one of two keys."""
        good, bad = (world.insert("api_keys", _lasting(world)) for _ in range(2))
        gone = draw(
            st.sampled_from(
                (
                    Delete("api_keys", {"id": bad["id"]}),
                    Delete("users", {"id": bad["user_id"]}),
                )
            )
        )
        return Scenario(
            given=(tuple(world.given),),
            legal=((gone,),),
            facts=(*_valid(good, expected=True), *_valid(bad, expected=False)),
        )

    return by_shape(
        insert=inserts,
        insert_many=inserts_many,
        update=updates,
        delete=deletions,
        reasons={**ONE_ROW, Path.CASCADE: "a user's keys that go are tried as deletions"},
    )


WAYS: dict[str, Ways] = {
    "INV-A4": validity("INV-A4"),
    "INV-A5": besides(validity("INV-A5"), insert=at_the_turn),
}
