"""Base of all machines: rules that do one operation, or several in one transaction."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from conformance.framecast.machines.choosers import Drawing, Guided
from conformance.framecast.machines.following import Focus, focus, follow_ups, of_arguments
from conformance.framecast.machines.log import Log, clock
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.operations import choices_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.engine.database.sandbox import Sandbox
    from conformance.framecast.machines.choosers import Chooser
    from conformance.framecast.machines.exploration import Reached
    from conformance.framecast.operations import Operation, Step

TOGETHER = (2, 3, 4)  # operations in one transaction


class Machine(RuleBasedStateMachine):
    """A run that Hypothesis leads. Whoever runs it sets `sandbox` and `log` first."""

    sandbox: ClassVar[Sandbox]
    log: ClassVar[Log]
    run_of: ClassVar[type[MachineRun]] = MachineRun
    setups: ClassVar[tuple[str, ...]] = ("nothing",)

    def __init__(self) -> None:
        """Begin with an empty database and an empty model."""
        super().__init__()
        self.began = clock()
        self.run = self.run_of(self.sandbox, self.log)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Begin with one of the machine's setups, or where another run has come to."""
        explorer = self.run.explorer
        reached = explorer.archive.starts if explorer is not None else ()
        starts: tuple[Reached | str, ...] = (*reached, *self.setups)
        start = starts[self.chooser(data).one(range(len(starts)), "like")]
        if isinstance(start, str):
            self.run.begin(start)
        else:
            self.run.resume(start)

    def chooser(self, data: st.DataObject) -> Drawing | Guided:
        """Return what decides where there is a choice."""
        explorer = self.run.explorer
        return Guided(explorer, data) if explorer is not None and explorer.leads else Drawing(data)

    def take(self, planned: Step, about: Focus) -> Focus:
        """Do one thing; return what it was about: what it touched, or else its arguments."""
        before = self.run.state
        self.run.start([planned])
        touched = focus(before, self.run.state)
        return touched if touched.touched else about or of_arguments(before, planned.arguments)

    def go_on(self, choose: Chooser, about: Focus, last: Operation | None) -> None:
        """Follow up what was done, a few times or not at all."""
        for _ in range(choose.one(choose.follow_ups, "follow-ups")):
            ways = follow_ups(self.run.state, about, self.operations(), last)
            if not ways:
                return
            planned = choose.step(self.run.state, ways)
            about, last = self.take(planned, about), planned.operation

    @classmethod
    @cache
    def acts(cls) -> tuple[Act, ...]:
        """Return what this machine's rules do, in the order in which it says so."""
        return tuple(each.act for each in vars(cls).values() if hasattr(each, "act"))

    @classmethod
    @cache
    def operations(cls) -> tuple[Operation, ...]:
        """Return what this machine does by itself, in the same order."""
        return tuple(operation for act in cls.acts() for operation in act.operations)

    def teardown(self) -> None:
        """Judge what is under way, and add up the time. This is skipped where __init__ failed.

        Of a run that has failed already, or that Hypothesis has ended, nothing more is judged.
        """
        try:
            if sys.exc_info()[0] is None:
                self.run.settle()
            else:
                self.run.abandon()
        finally:
            self.log.seconds += clock() - self.began


@dataclass(frozen=True, eq=False)
class Act:
    """One of the things that a machine does.

    Attributes:
        name: of the rule that does it.
        possible: whether there is something to do it to.
        lead: does it, as a chooser says.
        operations: what a run can do by it that stands for itself.
    """

    name: str
    possible: Callable[[Machine], bool]
    lead: Callable[[Machine, Chooser], None]
    operations: tuple[Operation, ...] = ()


def does(operation: Operation) -> Any:
    """Return a machine's rule that does an operation, with arguments drawn from the model."""

    def possible(machine: Machine) -> bool:
        return operation.possible(machine.run.state)

    return _as_rule(Act(operation.identifier, possible, _doing(operation), (operation,)))


def does_any(name: str, *operations: Operation) -> Any:
    """Return a machine's rule that does one of several operations, which it draws."""
    possible = _any_of(operations)
    return _as_rule(Act(f"act_on_{name}", possible, _doing(*operations), operations))


def in_turn(*operations: Operation) -> Any:
    """Return a machine's rule that does operations one after another, each to the same rows."""

    def lead(machine: Machine, choose: Chooser) -> None:
        about = Focus()
        for operation in operations:
            state = machine.run.state
            if operation.possible(state):
                ways = follow_ups(state, about, (operation,), None)
                free = [(operation, choices_of(state, operation))]
                about = machine.take(choose.step(state, ways[:1] or free), about)

    name = "_then_".join(each.identifier for each in operations)
    return _as_rule(Act(name, _any_of(operations[:1]), lead))


def together(*operations: Operation) -> Any:
    """Return a machine's rule that does several operations in one transaction."""
    members = [operation for operation in operations if not operation.alone]

    def lead(machine: Machine, choose: Chooser) -> None:
        before = state = machine.run.state
        steps: list[Step] = []
        for _ in range(choose.one(TOGETHER, "operations")):
            possible = [each for each in members if each.possible(state)]
            operation = choose.one(possible, "operation")
            steps.append(choose.step(state, [(operation, choices_of(state, operation))], possible))
            state = steps[-1].after
        machine.run.start(steps)
        machine.go_on(choose, focus(before, machine.run.state), None)

    return _as_rule(Act("do_together", _any_of(members), lead))


def _doing(*operations: Operation) -> Callable[[Machine, Chooser], None]:
    """Return what does one of some operations, and goes on with what it touched.

    A chooser that leads may do another one of the machine's instead.
    """

    def lead(machine: Machine, choose: Chooser) -> None:
        state = machine.run.state
        possible = [each for each in operations if each.possible(state)]
        operation = possible[0] if len(operations) == 1 else choose.one(possible, "operation")
        ways = [(operation, choices_of(state, operation))]
        planned = choose.step(state, ways, machine.operations())
        machine.go_on(choose, machine.take(planned, Focus()), planned.operation)

    return lead


def _any_of(operations: Sequence[Operation]) -> Callable[[Machine], bool]:
    return lambda machine: any(each.possible(machine.run.state) for each in operations)


def _as_rule(act: Act) -> Any:
    """Return a rule that does an act, or another one of its machine that was done less often."""

    def carry_out(self: Machine, data: st.DataObject) -> None:
        choose = self.chooser(data)
        chosen = act
        if isinstance(choose, Guided):
            chosen = choose.turn([each for each in self.acts() if each.possible(self)], act)
        chosen.lead(self, choose)

    carry_out.__name__ = carry_out.__qualname__ = act.name
    made: Any = precondition(act.possible)(rule(data=st.data())(carry_out))
    made.act = act
    return made
