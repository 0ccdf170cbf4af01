"""Serial execution of transactions in the model, which judges what they did at once.

An action is what its session sent, planned from what the session knew. In another state the same
operation may write something else (it spends what there is), and then the model cannot say what
became of what was sent: it says None, and nothing is judged by it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement, permutations, product
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from uuid import UUID

from conformance.engine.sql.writes import Delete, RawSql, Update
from conformance.framecast.machines.visible_rows import is_lost
from conformance.framecast.model import State, rules, view
from conformance.framecast.operations import step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.engine.sql.writes import Write
    from conformance.framecast.races.schedule import Action, Transaction

# By table, the rows as texts: see `model.view`.
Shown: TypeAlias = "Mapping[str, set[str]]"
# By table, the places of the columns that cannot be read.
Without: TypeAlias = "Mapping[str, frozenset[int]]"
NOTHING: Without = MappingProxyType({})


class Played(NamedTuple):
    """Actions that were played in the model.

    `may` are the rules that one of them breaks, `must` those that nothing afterwards mends.
    """

    after: State
    may: frozenset[str]
    must: frozenset[str]


def play(state: State, actions: Iterable[Action]) -> Played | None:
    """Play actions one after another; None where the model cannot say what they come to."""
    may: frozenset[str] = frozenset()
    must: frozenset[str] = frozenset()
    for action in actions:
        there = {_is_there(state, write) for write in action.writes}
        if there == {False}:
            continue  # what it would change is gone, or has not come yet
        if False in there:
            return None
        try:
            done = step(state, action.operation, action.arguments)
        except KeyError:
            # A copy of what is not there is a copy of nothing.
            if all(isinstance(write, RawSql) for write in action.writes):
                continue
            return None
        if done.writes != action.writes:
            return None
        may, must, state = may | done.broken, must | done.at_once, done.after
    return Played(state, may, must)


def legal(state: State, transaction: Transaction) -> tuple[State | None, bool]:
    """Return the state after a transaction, None if that is unknown, and whether it is legal."""
    played = play(replace(state, serial=transaction.serial), transaction.actions)
    if played is None:
        return None, True
    after = played.after
    must = played.must | rules.broken(after, after.changed_since(state))
    return replace(after, tick=state.tick + 1), not must


def orders_explain(
    start: State,
    committed: Sequence[Transaction],
    shown: Shown,
    *,
    whole: bool,
    without: Without = NOTHING,
) -> bool | None:
    """Return whether some order of the commits is legal and comes to the rows that are shown.

    Args:
        start: the state before.
        committed: in the order in which they committed.
        shown: the rows of each table that was written.
        whole: whether transactions count as wholes; else as actions, in any order that keeps each
            transaction's own.
        without: what of the rows cannot be read.

    Returns:
        None where the model cannot say.
    """
    unknown = False
    for end in ends(start, committed, whole=whole):
        if end is None:
            unknown = True
        elif next(differing(end, start, shown, without), None) is None:
            return True
    return None if unknown else False


def ends(start: State, committed: Sequence[Transaction], *, whole: bool) -> Iterator[State | None]:
    """Return the end of each legal order of what was committed; None where that is unknown."""
    for likewise in _openings(committed):
        yield from _wholes(start, likewise) if whole else _mixtures(start, likewise)


def _openings(committed: Sequence[Transaction]) -> Iterator[list[Transaction]]:
    """Return the transactions as they are, and then with all that the database may do otherwise."""
    for transactions in product(*map(_readings, committed)):
        yield [*transactions]


def _readings(transaction: Transaction) -> Iterator[Transaction]:
    for actions in product(*map(_meanings, transaction.actions)):
        yield replace(transaction, actions=actions)


def _meanings(action: Action) -> Iterator[Action]:
    yield action
    for argument, others in action.operation.left_open.items():
        if action.arguments[argument] in others:
            other = others[action.arguments[argument]]
            yield replace(action, arguments={**action.arguments, argument: other})


def reasons(
    start: State, committed: Sequence[Transaction], late: Transaction
) -> list[frozenset[str]] | None:
    """Return what a refused transaction breaks in each order of what was committed with it in it.

    What was committed may come before, after, or between the actions of what was refused: at read
    committed each statement sees what has been committed by then. None where the model cannot say.
    """
    found: list[frozenset[str]] = []
    gaps = range(len(late.actions) + 1)
    for order in permutations(committed):
        for places in combinations_with_replacement(gaps, len(order)):
            may = _refusals(start, late, [*zip(places, order, strict=True)])
            if may is None:
                return None
            found.append(may)
    return found


def broken_in_order(start: State, committed: Sequence[Transaction]) -> frozenset[str]:
    """Return what the first transaction breaks that is illegal in the order of the commits."""
    state = start
    for transaction in committed:
        played = play(replace(state, serial=transaction.serial), transaction.actions)
        if played is None:
            break
        must = played.must | rules.broken(played.after, played.after.changed_since(state))
        if must:
            return must
        state = replace(played.after, tick=state.tick + 1)
    return frozenset()


def _refusals(
    start: State, late: Transaction, others: Sequence[tuple[int, Transaction]]
) -> frozenset[str] | None:
    """Return what a transaction breaks, where each of some others comes after so many actions."""
    state, may, serial = start, frozenset[str](), late.serial
    for at in range(len(late.actions) + 1):
        for place, other in others:
            if place == at:
                after, _ = legal(state, other)
                if after is None:
                    return None
                state = after
        if at < len(late.actions):
            played = play(replace(state, serial=serial), late.actions[at : at + 1])
            if played is None:
                return None
            state, serial = played.after, played.after.serial
            may |= played.may | rules.broken(state, state.changed_since(start))
    return may


def _wholes(start: State, committed: Sequence[Transaction]) -> Iterator[State | None]:
    """Return the end of each legal order of transactions, the order of commits first."""
    for order in permutations(committed):
        state = start
        for transaction in order:
            after, fine = legal(state, transaction)
            if after is None:
                yield None
                break
            if not fine:
                break
            state = after
        else:
            yield state


def _mixtures(start: State, committed: Sequence[Transaction]) -> Iterator[State | None]:
    """Return the end of each legal order of the transactions' actions."""
    for order in merges([len(each.actions) for each in committed]):
        state = start
        at = [0] * len(committed)
        serials = [each.serial for each in committed]
        for place in order:
            action = committed[place].actions[at[place]]
            played = play(replace(state, serial=serials[place]), [action])
            if played is None:
                yield None
                break
            if played.must:
                break
            state, serials[place] = played.after, played.after.serial
            at[place] += 1
        else:
            if not rules.broken(state, state.changed_since(start)):
                yield state


def merges(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Return every order of so many things of each kind, by their kinds."""
    if not any(lengths):
        yield ()
    for kind, left in enumerate(lengths):
        if left:
            fewer = [*lengths]
            fewer[kind] -= 1
            for rest in merges(fewer):
                yield (kind, *rest)


def differing(end: State, start: State, shown: Shown, without: Without = NOTHING) -> Iterator[str]:
    """Return the tables whose rows are not those of an end; what was not written is as it was."""
    for table, rows in shown.items():
        if rows != _rows(end, table, without):
            yield table
    for table in end.changed_since(start) - shown.keys():
        if not is_lost(without, table) and _rows(end, table, without) != _rows(
            start, table, without
        ):
            yield table


def _rows(state: State, table: str, without: Without) -> set[str]:
    return view.rows(state, table, without.get(table, ()))


def _is_there(state: State, write: Write) -> bool | None:
    """Return whether the row that a write names is there; None for one that names none."""
    if isinstance(write, Update | Delete):
        key = write.key.get("id")
        if isinstance(key, UUID):
            return key.int in getattr(state, write.table)
    return None
