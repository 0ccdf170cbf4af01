"""What all machines are made of: rules that do one operation, or several in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from conformance.machines.life import Life, Log, clock
from conformance.operations import step

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.lab import Lab
    from conformance.operations import Operation, Step

LONGEST = 4  # operations in one transaction


class Machine(RuleBasedStateMachine):
    """A life that Hypothesis leads. Whoever runs it sets `lab` and `log` first."""

    lab: ClassVar[Lab]
    log: ClassVar[Log]
    life_of: ClassVar[type[Life]] = Life
    preludes: ClassVar[tuple[str, ...]] = ("nothing",)

    def __init__(self) -> None:
        """Begin with an empty database and an empty model."""
        super().__init__()
        self.began = clock()
        self.life = self.life_of(self.lab, self.log)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Begin with one of the machine's preludes."""
        self.life.begin(data.draw(st.sampled_from(self.preludes), "like"))

    def teardown(self) -> None:
        """Add up the time. This is skipped where __init__ failed, and frees nothing."""
        self.log.seconds += clock() - self.began


def does(operation: Operation) -> Any:
    """Return a machine's rule that does an operation, with arguments drawn from the model."""

    def act(self: Machine, data: st.DataObject) -> None:
        self.life.do(operation, drawn(data, operation, self.life))

    return _as_rule(act, operation.identifier, lambda self: operation.possible(self.life.state))


def does_any(name: str, *operations: Operation) -> Any:
    """Return a machine's rule that does one of several operations, which it draws."""

    def act(self: Machine, data: st.DataObject) -> None:
        possible = [each for each in operations if each.possible(self.life.state)]
        operation = data.draw(st.sampled_from(possible), "operation")
        self.life.do(operation, drawn(data, operation, self.life))

    return _as_rule(
        act, f"act_on_{name}", lambda self: any(m.possible(self.life.state) for m in operations)
    )


def together(*operations: Operation) -> Any:
    """Return a machine's rule that does several operations in one transaction."""
    members = [operation for operation in operations if not operation.alone]

    def act(self: Machine, data: st.DataObject) -> None:
        state = self.life.state
        steps: list[Step] = []
        for _ in range(data.draw(st.integers(2, LONGEST), "operations")):
            possible = [each for each in members if each.possible(state)]
            operation = data.draw(st.sampled_from(possible), "operation")
            arguments = {
                name: data.draw(st.sampled_from(choice(state)), name)
                for name, choice in operation.takes.items()
            }
            steps.append(step(state, operation, arguments))
            state = steps[-1].after
        self.life.commit(steps)

    return _as_rule(
        act, "do_together", lambda self: any(m.possible(self.life.state) for m in members)
    )


def drawn(data: st.DataObject, operation: Operation, life: Life) -> dict[str, Any]:
    """Draw the arguments of an operation from what the model offers."""
    return {
        name: data.draw(st.sampled_from(choice(life.state)), name)
        for name, choice in operation.takes.items()
    }


def _as_rule(act: Callable[..., None], name: str, possible: Callable[[Any], bool]) -> Any:
    act.__name__ = act.__qualname__ = name
    return precondition(possible)(rule(data=st.data())(act))
