"""Near misses of the rules on what no client writes: PERM-1 and OWN-1."""

from typing import Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, Transaction, Ways
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import (
    Delete,
    Insert,
    Path,
    PlainWrite,
    RawSql,
    Row,
    Truncate,
    Update,
    Write,
)
from conformance.framecast.rules.ownership import PERMISSIONS
from strategies.enums import MEMBERSHIP_ROLE
from strategies.near_misses.ways import Draw, Scenarios, by_shape, scenarios
from strategies.world import NOW, World, urn_of_member, urn_of_team

# The matrix of permissions

MATRIX = "role_permissions"


# What permissions match, and what matches them, where a pattern stands in the place of equality.
NEAR: Final = (
    *("jobs.cancelXown", "jobsXcreate", "jobs_create", "jobs.creat_", "jobs.creat"),
    *("%", "jobs.%", "jobs.*", "jobs.create.x", "xjobs.create", "jobs.create\n"),
)


def _may(role: str, permission: str, *, expected: bool) -> Fact:
    query = f"SELECT public.role_has_permission('{role}', '{permission}')"
    return Fact(query, expected, expected)


def matrix() -> tuple[Fact, ...]:
    """Return what each role may do and may not, and that nobody may do what there is not."""
    return (
        *(
            _may(role, permission, expected=role in roles)
            for permission, roles in PERMISSIONS.items()
            for role in MEMBERSHIP_ROLE
        ),
        *(
            _may(role, unknown, expected=False)
            for role in MEMBERSHIP_ROLE
            for unknown in ("", "team", "team.Delete", "team.delete ", "*")
        ),
        *(_may("owner", near, expected=False) for near in NEAR),
    )


def meddling(*writes: Write) -> Scenarios:
    """Ask for the matrix; then change it."""

    @scenarios
    def built(_world: World, draw: Draw) -> Scenario:
        return Scenario(facts=matrix(), broken=((draw(st.sampled_from(writes)),),))

    return built


VIEW: Row = {"role": "viewer", "permission": "team.view"}
DELETE: Row = {"role": "viewer", "permission": "team.delete"}
NEW: Row = {"role": "owner", "permission": "team.rename"}
CHANGES: tuple[Row, ...] = ({"permission": "team.delete"}, {"role": "owner"}, VIEW)


# The schema's own tables


class Books:
    """A team with a project, and a job with an event: a row in each of the schema's tables.

    Attributes:
        rows: each table with the columns of such a row that are its key.
        absent: each table with the key of a row that is not there yet, but could be.
        changes: each table with other values.
    """

    def __init__(self, world: World) -> None:
        """Insert them."""
        self.world = world
        self.team, self.owner = world.team()
        self.stranger = world.starter()
        self.job = world.job(self.owner, urn_of_team(self.team))
        self.quiet = world.job(self.owner, urn_of_team(self.team))
        world.insert("job_events", world.an_event(self.job))
        self.project = world.project(self.team, self.owner, spec=Jsonb({"title": "Harbour"}))
        self.blank = world.project(self.team, self.owner, spec=None)
        self.given = (tuple(world.given),)
        self.rows: dict[str, Row] = {
            "framecast.user_guards": {"user_id": self.owner["id"]},
            "framecast.team_guards": {"team_id": self.team["id"]},
            "framecast.job_event_counters": {"job_id": self.job["id"]},
            "framecast.project_specs": {"project_id": self.project["id"]},
        }
        self.absent: dict[str, Row] = {
            "framecast.user_guards": {"user_id": self.stranger["id"]},
            "framecast.team_guards": {"team_id": self.team["id"]},
            "framecast.job_event_counters": {"job_id": self.quiet["id"]},
            "framecast.project_specs": {"project_id": self.blank["id"]},
        }
        self.changes: dict[str, Row] = {
            "framecast.user_guards": {"written_in": 7},
            "framecast.team_guards": {"server_start": NOW},
            "framecast.job_event_counters": {"last_sequence": 0},
            "framecast.project_specs": {"spec": Jsonb({})},
        }

    def legal(self) -> tuple[Transaction, ...]:
        """Return what makes the schema write each of these tables by itself."""
        world = self.world
        invitation = world.an_invitation(self.team, self.owner)
        user = world.a_creator()
        joins = world.a_membership(self.team, user)
        events = (world.an_event(self.job), world.an_event(self.quiet))
        return (
            (PlainWrite(Insert("invitations", (invitation,))),),
            (Insert("users", (user,)), PlainWrite(Insert("memberships", (joins,)))),
            (PlainWrite(Insert("job_events", events)),),
        )


GUARDS = ("framecast.user_guards", "framecast.team_guards")
# They go with what they are kept of; numbers stay.
PARTS = (*GUARDS, "framecast.project_specs")
NUMBERS = "framecast.job_event_counters"
TABLES = (*PARTS, NUMBERS)


@scenarios
def entries(world: World, draw: Draw) -> Scenario:
    """Let the schema keep its books; then insert into them."""
    books, table = Books(world), draw(st.sampled_from(TABLES))
    row = {**books.absent[table], **books.changes[table]}
    return Scenario(given=books.given, legal=books.legal(), broken=((Insert(table, (row,)),),))


@scenarios
def entries_many(world: World, draw: Draw) -> Scenario:
    """Let the schema keep its books; then insert two rows into them."""
    books, table = Books(world), draw(st.sampled_from(TABLES))
    rows = (books.absent[table], books.rows[table])
    return Scenario(given=books.given, legal=books.legal(), broken=((Insert(table, rows),),))


@scenarios
def corrections(world: World, draw: Draw) -> Scenario:
    """Let the schema keep its books; then update them."""
    books, table = Books(world), draw(st.sampled_from(TABLES))
    write = Update(table, books.rows[table], books.changes[table], books.rows[table])
    return Scenario(given=books.given, legal=books.legal(), broken=((write,),))


@scenarios
def moves(world: World, draw: Draw) -> Scenario:
    """Let the schema keep its books; then give a row of them to somebody else."""
    books, table = Books(world), draw(st.sampled_from(TABLES))
    write = Update(table, books.rows[table], books.absent[table])
    return Scenario(given=books.given, legal=books.legal(), broken=((write,),))


@scenarios
def deletions(world: World, draw: Draw) -> Scenario:
    """Let the schema keep its books; then delete from them."""
    books, table = Books(world), draw(st.sampled_from(TABLES))
    return Scenario(
        given=books.given, legal=books.legal(), broken=((Delete(table, books.rows[table]),),)
    )


@scenarios
def endings(world: World, _draw: Draw) -> Scenario:
    """Delete a finished job, its team and its users: what was kept of users and teams goes too."""
    books = Books(world)
    other = world.owned_team(books.owner)
    ends = [Update("jobs", {"id": row["id"]}, CANCEL) for row in (books.job, books.quiet)]
    return Scenario(
        given=(*books.given, tuple(world.given[-2:]), tuple(ends)),
        legal=(
            (Delete("jobs", {"id": books.job["id"]}),),
            (Delete("jobs", {"id": books.quiet["id"]}),),
            (Delete("teams", {"id": books.team["id"]}),),
            (Delete("teams", {"id": other["id"]}), Delete("users", {"id": books.owner["id"]})),
            (Delete("users", {"id": books.stranger["id"]}),),
        ),
        facts=tuple(Fact(f"SELECT count(*) FROM {table}", 0, side=False) for table in PARTS),
    )


CANCEL: Row = {"status": "canceled", "failure_type": "canceled"}


@scenarios
def truncations(world: World, draw: Draw) -> Scenario:
    """Truncate everything with the books, the books of nobody, and begin anew; then the books.

    What counts events is kept of jobs that are gone as well, and is never truncated.
    """
    books = Books(world)
    ends = [Update("jobs", {"id": row["id"]}, CANCEL) for row in (books.job, books.quiet)]
    again = Books(world)
    alone, numbers = Truncate((draw(st.sampled_from(PARTS)),)), Truncate((NUMBERS,))
    return Scenario(
        given=(*books.given, tuple(ends)),
        legal=(
            (Truncate(("users", "teams")),),
            (alone,),
            (Truncate(("users", "teams")), alone),
            again.given[0][len(books.given[0]) :],
        ),
        broken=((alone,), (numbers,)),
    )


@scenarios
def functions(world: World, draw: Draw) -> Scenario:
    """Let the schema keep its books; then call what keeps them."""
    books = Books(world)
    calls = (
        f"SELECT framecast.lock_users(ARRAY['{books.owner['id']}']::uuid[])",
        f"SELECT framecast.lock_teams(ARRAY['{books.team['id']}']::uuid[])",
    )
    return Scenario(
        given=books.given,
        legal=books.legal(),
        broken=((RawSql(draw(st.sampled_from(calls))),),),
    )


# What the schema computes, and what clients might write into it.
COMPUTED = (
    ("memberships", "user_tier", "starter"),
    ("api_keys", "owner_tier", "starter"),
    ("api_keys", "live_member_team_id", "00000000-0000-0000-0000-00000000dead"),
    ("api_keys", "live_shared_team_id", "00000000-0000-0000-0000-00000000dead"),
    ("projects", "owner", "framecast:team:00000000-0000-0000-0000-00000000dead"),
)


@scenarios
def computed(world: World, draw: Draw) -> Scenario:
    """Try to write a column that the schema computes: whatever becomes of that, it does not stay.

    Such a rejection carries no name, so that it is caught here; the column tells.
    """
    table, column, value = draw(st.sampled_from(COMPUTED))
    team, owner = world.team()
    world.project(team, owner)
    world.insert("api_keys", world.a_key(owner, urn_of_member(team, owner)))
    world.insert("api_keys", world.a_key(owner, urn_of_team(team)))
    tried = f"UPDATE public.{table} SET {column} = '{value}'"
    write = RawSql(f"DO $$BEGIN {tried}; EXCEPTION WHEN OTHERS THEN NULL; END$$")
    seen = f"public.{table} AS t WHERE to_jsonb(t) ->> '{column}' = '{value}'"
    return Scenario(
        given=(tuple(world.given),),
        legal=((write,),),
        facts=(Fact(f"SELECT EXISTS (SELECT FROM {seen})", expected=False, side=False),),
    )


WAYS: dict[str, Ways] = {
    "PERM-1": by_shape(
        insert=meddling(Insert(MATRIX, (DELETE,)), Insert(MATRIX, (NEW,))),
        insert_many=meddling(Insert(MATRIX, (DELETE, NEW))),
        update=meddling(*(Update(MATRIX, VIEW, changes, VIEW) for changes in CHANGES)),
        delete=meddling(
            Delete(MATRIX, VIEW), Delete(MATRIX, {"role": "owner", "permission": "team.delete"})
        ),
        truncate=meddling(Truncate((MATRIX,))),
        reasons={
            Path.MOVE: "a permission has no parent: another role is tried as an update",
            Path.OTHER: "no other table takes part in the rule",
            Path.CASCADE: "the matrix refers to no other table",
        },
    ),
    "OWN-1": by_shape(
        insert=entries,
        insert_many=entries_many,
        update=corrections,
        delete=deletions,
        move=moves,
        other=st.one_of(functions, computed),
        cascade=endings,
        truncate=truncations,
        reasons={},
    ),
}
