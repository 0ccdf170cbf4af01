"""Rules that lock rows of others are known, so that their runs try the order of locks."""

import re

from conformance.engine.catalogue import schema
from conformance.engine.catalogue.concerns import concern
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.races.locking import LOCKING, locking, near_order

LOCKS = re.compile(
    r"FOR (NO KEY )?(UPDATE|SHARE)|FOR KEY SHARE|_advisory_|lock_(users|teams)\("
    r"|(INTO|UPDATE) framecast\.\w+_guards"
)


def test_the_rules_that_lock_are_those_of_the_schema(scratch: Scratch, template: Template) -> None:
    """The rules of every function that locks rows, or calls what does, are those that say so."""
    with scratch.cloned(template, "locking") as database, database.connect() as connection:
        found = schema.read(connection)
    locks = [each for each in found.functions if LOCKS.search(each.sql_body or each.body)]

    assert locks
    assert {rule for each in locks for rule in concern(found, each).rules} == LOCKING


def test_an_order_of_locks_is_near_those_that_meet_it() -> None:
    """Races of the order of locks are near the rules of their tables; other races near none."""
    assert locking({"users"}) <= near_order(("LOCK ORDER", "INV-U2"))
    assert frozenset() == near_order(("INV-U2",))
