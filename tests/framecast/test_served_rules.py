"""Each trigger that no rule names, dropped, is missed by a rule that it is said to serve."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

import pytest

from conformance.engine.cases.columns import hold
from conformance.engine.cases.verdicts import Finding
from conformance.engine.catalogue import schema
from conformance.engine.catalogue.schema import Schema
from conformance.engine.catalogue.serving import served
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.mutants.parts import near_misses
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.engine.pytest_plugin.proof import of_form
from conformance.framecast.beside import BESIDE
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.locking import ORDER
from conformance.framecast.races.runner import RaceRunner
from conformance.framecast.rules import RULES
from strategies.facts import facts
from strategies.promises import promises
from strategies.tables import DERIVED

KEPT: Final = (
    *("api_keys", "asset_files", "memberships", "projects", "system_assets", "teams", "users"),
    "webhooks",
)
# What notices that a trigger is gone: a fact of columns, a known race, or a near miss of a rule.
NOTICED: Final = {
    **{f"{table}._100_keep_created_at": f"{table}.created_at written back" for table in KEPT},
    "webhook_deliveries._100_keep_created_at": "webhook_deliveries.created_at written back",
    "invitations._100_keep_times": "invitations.accepted_at written back",
    "job_events._100_keep_what_was_read": "job_events.payload written back",
    "jobs._100_keep_what_was_read": "jobs.created_at written back",
    "jobs._100_keep_spec_snapshot": "jobs.spec_snapshot written back",
    "api_keys._100_keep_scopes": "api_keys.scopes written back",
    **{
        f"{table}._500_set_first_updated_at": f"{table}.created_at at the ends"
        for table in ("asset_files", "projects", "teams", "users", "webhooks")
    },
    "jobs._100_set_first_times": "jobs.created_at at the ends",
    "job_events._500_record_number": "seq_1__",
    "job_events._500_record_numbers_of_gone": "seq_1__",
    "projects._500_copy_spec": "specs searched: made",
    "api_keys._200_write_membership": "auto_revoke__team_key_revived_while_leaving",
    "api_keys._200_write_memberships": "auto_revoke__team_key_made_while_leaving",
    "asset_files._200_lock_project": "lock_order__asset_uploaded_while_erased_behind_a_job",
    "invitations._200_lock_inviter_and_team": "card_4__invite_and_invite",
    "memberships._200_lock_users_and_teams_of_changed": "inv_t7__found_a_team_and_change_a_role",
    "memberships._200_lock_users_and_teams_of_gone": "inv_t2__both_owners_erased",
    "memberships._200_lock_users_and_teams_of_new": "inv_t8__join_a_team_and_join_a_team",
    "teams._200_lock_what_goes_with_it": "del_1__made_while_the_team_goes",
    "users._200_lock_user_and_teams": "inv_i8__invited_while_taking_the_email",
    "users._200_lock_what_goes_with_it": (
        "lock_order__team_deleted_while_a_user_is_deleted_behind_a_key"
    ),
    # Promises of this schema alone: records 59 and 60 of docs/decisions.md.
    "usage._500_set_first_updated_at": "usage.updated_at ahead",
    "invitations._500_set_expiry": "invitations.created_at ahead",
}
# Those that write a derived column: tests/schema/test_derived_columns.py notices that each is gone.
DERIVING: Final = {f"{table}._100_derive" for table in DERIVED}


@pytest.fixture(scope="module")
def database(scratch: Scratch, template: Template) -> Iterator[Database]:
    """A database whose triggers go one after the other."""
    with scratch.cloned(template, "serving") as cloned:
        yield cloned


@pytest.fixture(scope="module")
def emptied(database: Database) -> Iterator[Sandbox]:
    """A sandbox on it."""
    with Sandbox(database.conninfo) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def described(database: Database) -> Schema:
    """The schema, as it describes itself before anything is put beside it."""
    with database.connect() as connection:
        return schema.read(connection)


@cache
def _columns() -> dict[str, Any]:
    return {case.name: case for case in (*facts(), *promises())}


def _try(what: str, sandbox: Sandbox, conninfo: str) -> None:
    """Try a fact of columns, a known race, or the near misses of a rule."""
    if what in _columns():
        hold(sandbox, _columns()[what])
    elif what in KNOWN_RACES:
        with Harness(sandbox, conninfo) as harness:
            RaceRunner(harness).run_all(KNOWN_RACES[what])
    else:
        for part in near_misses([_rule(what)], 0, 3):
            part.run(sandbox)


@pytest.mark.parametrize("name", NOTICED)
def test_a_trigger_that_no_rule_names_is_missed(
    name: str, database: Database, described: Schema, emptied: Sandbox
) -> None:
    """What notices that it is gone is about a rule that it serves, or about no rule at all."""
    (row,) = (each for each in described.triggers if _name(each) == name)
    rules = {*served(described, "triggers", row)}
    what = NOTICED[name]
    about = {*_about(what)}

    with database.connect() as connection:
        connection.execute(f"DROP TRIGGER {row.name} ON {row.table}".encode())
    try:
        with pytest.raises(Finding) as caught:
            _try(what, emptied, database.conninfo)
    finally:
        with database.connect() as connection:
            connection.execute(row.definition.encode())

    assert bool(rules) != (f"trigger {name}" in BESIDE)
    if caught.value.rule in RULES:
        assert caught.value.rule in rules
    is_order = caught.value.rule == ORDER  # who deadlocks breaks no rule
    assert not rules or is_order or rules & about or not about & {*RULES}


def test_each_trigger_that_no_rule_names_is_tried(described: Schema) -> None:
    """Such a trigger is here with what notices that it is gone, and no other one is."""
    unnamed = {
        _name(each)
        for each in described.triggers
        if not described.rules_of(each.name, each.comment, each.table)
    }
    by_rules = {"users._100_derive"}  # of PRIVACY-1
    assert unnamed == {*NOTICED, *DERIVING} - by_rules


def _about(what: str) -> Iterable[str]:
    if what in _columns():
        return of_form(_columns()[what])
    return KNOWN_RACES[what].rules if what in KNOWN_RACES else (_rule(what),)


def _rule(token: str) -> str:
    return next(str(each) for each, rule in RULES.items() if rule.token == token)


def _name(trigger: Any) -> str:
    return f"{schema.short(trigger.table)}.{trigger.name}"
