"""Base of all machines: rules that do one operation, or several in one transaction."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from conformance.framecast.operations import step
from conformance.machines.following import Focus, focus, follow_ups, of_arguments
from conformance.machines.run import Log, MachineRun, clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.database.sandbox import Sandbox
    from conformance.framecast.model import State
    from conformance.framecast.operations import Operation, Step

    Choices: TypeAlias = Mapping[str, Sequence[Any]]

LONGEST = 4  # operations in one transaction
FOLLOW_UPS = (0, 1, 2, 3)  # how many things one leads to


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
        """Begin with one of the machine's setups."""
        self.run.begin(data.draw(st.sampled_from(self.setups), "like"))

    def do(self, data: st.DataObject, operation: Operation) -> None:
        """Do one thing, and go on with what it touched."""
        about = self.take(data, operation, _choices(self.run.state, operation), Focus())
        self.go_on(data, about, operation)

    def take(
        self, data: st.DataObject, operation: Operation, choices: Choices, about: Focus
    ) -> Focus:
        """Do one thing; return what it was about: what it touched, or else its arguments."""
        before, arguments = self.run.state, drawn(data, choices)
        self.run.do(operation, arguments)
        touched = focus(before, self.run.state)
        return touched if touched.touched else about or of_arguments(before, arguments)

    def go_on(self, data: st.DataObject, about: Focus, last: Operation | None) -> None:
        """Follow up what was done, a few times or not at all."""
        for _ in range(data.draw(st.sampled_from(FOLLOW_UPS), "follow-ups")):
            ways = follow_ups(self.run.state, about, self.operations(), last)
            if not ways:
                return
            last, choices = data.draw(st.sampled_from(ways), "then")
            about = self.take(data, last, choices, about)

    @classmethod
    @cache
    def operations(cls) -> tuple[Operation, ...]:
        """Return what this machine does by itself, in the order in which it says so."""
        acts = (getattr(each, "of_operations", ()) for each in vars(cls).values())
        return tuple(operation for each in acts for operation in each)

    def teardown(self) -> None:
        """Add up the time. This is skipped where __init__ failed, and frees nothing."""
        self.log.seconds += clock() - self.began


def does(operation: Operation) -> Any:
    """Return a machine's rule that does an operation, with arguments drawn from the model."""

    def act(self: Machine, data: st.DataObject) -> None:
        self.do(data, operation)

    return _as_rule(
        act,
        operation.identifier,
        lambda self: operation.possible(self.run.state),
        operation,
    )


def does_any(name: str, *operations: Operation) -> Any:
    """Return a machine's rule that does one of several operations, which it draws."""

    def act(self: Machine, data: st.DataObject) -> None:
        possible = [each for each in operations if each.possible(self.run.state)]
        self.do(data, data.draw(st.sampled_from(possible), "operation"))

    return _as_rule(
        act,
        f"act_on_{name}",
        lambda self: any(m.possible(self.run.state) for m in operations),
        *operations,
    )


def in_turn(*operations: Operation) -> Any:
    """Return a machine's rule that does operations one after another, each to the same rows."""

    def act(self: Machine, data: st.DataObject) -> None:
        about = Focus()
        for operation in operations:
            state = self.run.state
            if operation.possible(state):
                ways = follow_ups(state, about, (operation,), None)
                choices = ways[0][1] if ways else _choices(state, operation)
                about = self.take(data, operation, choices, about)

    return _as_rule(
        act,
        "_then_".join(each.identifier for each in operations),
        lambda self: operations[0].possible(self.run.state),
    )


def together(*operations: Operation) -> Any:
    """Return a machine's rule that does several operations in one transaction."""
    members = [operation for operation in operations if not operation.alone]

    def act(self: Machine, data: st.DataObject) -> None:
        before = state = self.run.state
        steps: list[Step] = []
        for _ in range(data.draw(st.integers(2, LONGEST), "operations")):
            possible = [each for each in members if each.possible(state)]
            operation = data.draw(st.sampled_from(possible), "operation")
            steps.append(step(state, operation, drawn(data, _choices(state, operation))))
            state = steps[-1].after
        self.run.commit(steps)
        self.go_on(data, focus(before, self.run.state), None)

    return _as_rule(
        act, "do_together", lambda self: any(m.possible(self.run.state) for m in members)
    )


def drawn(data: st.DataObject, choices: Choices) -> dict[str, Any]:
    """Draw the arguments of an operation."""
    return {name: data.draw(st.sampled_from(each), name) for name, each in choices.items()}


def _choices(state: State, operation: Operation) -> Choices:
    return {name: choice(state) for name, choice in operation.takes.items()}


def _as_rule(
    act: Callable[..., None],
    name: str,
    possible: Callable[[Any], bool],
    *operations: Operation,
) -> Any:
    act.__name__ = act.__qualname__ = name
    made: Any = precondition(possible)(rule(data=st.data())(act))
    made.of_operations = operations
    return made
