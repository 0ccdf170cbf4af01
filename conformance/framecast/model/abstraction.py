"""The abstract state: what a state is, without saying which row is which.

Two states are the same abstract state where they hold rows of the same kinds, about as many of
each: none, one, or more. A kind is what rules ask of a row: its status, its form of owner, the role
of whom it speaks of, whether it is old enough to be cleaned up. How full a cap is counts as well.
There are few enough of these that a run comes back to them, and enough that a new one is news.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.engine.kinds.at_most import AtMost
from conformance.framecast.model.moves import state_of
from conformance.framecast.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from conformance.framecast.model.entities import Owner
    from conformance.framecast.model.state import State

Part: TypeAlias = "Callable[[State], Iterable[Hashable]]"
AbstractState: TypeAlias = tuple[object, ...]

MANY = 2  # rows of a kind that are as good as any more
KEPT = 30  # days, after which rows are cleaned up
CAPS = tuple(
    {each.kind.most: each.kind for each in RULES.values() if isinstance(each.kind, AtMost)}.values()
)


class Abstraction:
    """Finds the abstract states of states, and remembers the parts that it has found last.

    A state shares the tables that did not change with the one before it, and so the parts that
    speak of no other.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: dict[tuple[int, ...], tuple[object, object]] = {}

    def of(self, state: State) -> AbstractState:
        """Return the abstract state of a state."""
        return tuple(self._part(number, state) for number in range(len(PARTS)))

    def _part(self, number: int, state: State) -> object:
        part, tables, of_days = PARTS[number]
        read = tuple(getattr(state, table) for table in tables)
        key = (number, state.day if of_days else 0, *map(id, read))
        known = self._known.get(key)
        if known is not None:
            return known[1]
        found = frozenset((kind, min(n, MANY)) for kind, n in Counter(part(state)).items())
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key] = (read, found)  # who keeps the tables keeps their ids
        return found


MOST = 5000  # parts that are remembered


def _users(state: State) -> Iterable[Hashable]:
    for user in state.users.values():
        yield user.tier, user.upgraded, user.erased, user.credits > 0


def _teams(state: State) -> Iterable[Hashable]:
    roles: dict[int, Counter[str]] = {team: Counter() for team in state.teams}
    for each in state.memberships.values():
        roles.setdefault(each.team, Counter())[each.role] += 1
    for team, held in roles.items():
        row = state.teams.get(team)
        shape = frozenset((role, min(n, MANY)) for role, n in held.items())
        yield shape, row is not None and row.credits > 0


def _caps(state: State) -> Iterable[Hashable]:
    for cap in CAPS:
        fullest = max(cap.counts(state).values(), default=0)
        if fullest >= cap.most - 1:
            yield cap.table, cap.most, fullest


def _invitations(state: State) -> Iterable[Hashable]:
    for each in state.invitations.values():
        yield state_of(each, state.day), each.role, state.role(each.team, each.inviter)


def _projects(state: State) -> Iterable[Hashable]:
    for each in state.projects.values():
        yield each.status, state.role(each.team, each.creator)


def _jobs(state: State) -> Iterable[Hashable]:
    for job in state.jobs.values():
        paid = "free" if not job.charged else _share(job.refunded, job.charged)
        yield job.status, _form(job.owner), paid, job.project is not None, job.key is not None


def _share(part: int, whole: int) -> str:
    if not part:
        return "none"
    return "all" if part == whole else "some"


def _events(state: State) -> Iterable[Hashable]:
    live: Counter[int] = Counter()
    for each in state.job_events.values():
        live[each.job] += 1
        yield "old" if state.day - each.created >= KEPT else "new"
    for job, n in live.items():
        yield min(n, MANY), state.counters.get(job, 0) > n


def _keys(state: State) -> Iterable[Hashable]:
    for key in state.api_keys.values():
        ended = "revoked" if key.revoked else "live" if key.is_valid(state.day) else "expired"
        yield _form(key.owner), ended, key.used, state.role(key.owner.team, key.user)


def _assets(state: State) -> Iterable[Hashable]:
    for each in state.asset_files.values():
        yield each.status, _form(each.owner), each.project is not None


def _webhooks(state: State) -> Iterable[Hashable]:
    for each in state.webhooks.values():
        yield state.role(each.team, each.creator)


def _deliveries(state: State) -> Iterable[Hashable]:
    for each in state.webhook_deliveries.values():
        yield each.status, each.attempts >= each.limit, state.day - each.created >= KEPT


def _usage(state: State) -> Iterable[Hashable]:
    for each in state.usage.values():
        yield _form(each.owner), each.renders > 0, each.used > 0


def _form(owner: Owner) -> str:
    if owner.team is None:
        return "user"
    return "team" if owner.user is None else "member"


# Each with the tables that it reads, and whether it asks the clock.
PARTS: tuple[tuple[Part, tuple[str, ...], Any], ...] = (
    (_users, ("users",), False),
    (_teams, ("teams", "memberships"), False),
    (_caps, ("users", "memberships", "invitations", "jobs"), True),
    (_invitations, ("invitations", "memberships"), True),
    (_projects, ("projects", "memberships"), False),
    (_jobs, ("jobs",), False),
    (_events, ("job_events", "counters"), True),
    (_keys, ("api_keys", "memberships"), True),
    (_assets, ("asset_files",), False),
    (_webhooks, ("webhooks", "memberships"), False),
    (_deliveries, ("webhook_deliveries",), True),
    (_usage, ("usage",), False),
)
