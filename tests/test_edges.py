"""The edges that a run must have seen, and the gate that fails a run which has not."""

from typing import Any, Final, NamedTuple

import pytest

from conformance import edges, guide, living

ALL_EDGES: Final = dict.fromkeys(edges.ALL, 1)


class Session:
    """What a gate may change of a session."""

    def __init__(self) -> None:
        """Begin as passed."""
        self.exitstatus: int = pytest.ExitCode.OK


class Seen(NamedTuple):
    """A run: which machines and tours ran, and the edges that they saw."""

    names: frozenset[str]
    edges: dict[str, int]


def report(name: str, seen: dict[str, int]) -> pytest.TestReport:
    """Return the report of a machine's test that saw these edges."""
    properties: dict[str, Any] = {
        "name": name,
        "edges": seen,
        "operations": {"sign up": 1},
        "steps": 1,
        "accepted": 1,
        "seconds": 1.0,
    }
    return pytest.TestReport(
        name,
        (name, 1, name),
        {},
        "passed",
        None,
        "call",
        user_properties=[(living.PROPERTY, properties)],
    )


def gate(seen: Seen) -> tuple[int, list[str]]:
    """Return how a run ends that has seen this, and what it says at last."""
    total = living._Sum()
    session: Any = Session()
    for name in sorted(seen.names):
        total.pytest_runtest_logreport(report(name, seen.edges))
    total.pytest_sessionfinish(session, pytest.ExitCode.OK)
    return session.exitstatus, list(total._lines())


def test_a_run_that_saw_every_edge_passes() -> None:
    """All machines and tours, and every pair and count: nothing is said to be unseen."""
    status, lines = gate(Seen(guide.ALL, ALL_EDGES))

    assert pytest.ExitCode.OK == status
    assert [] == [line for line in lines if line.startswith("unseen")]


@pytest.mark.parametrize("missing", sorted(edges.ALL))
def test_a_run_that_missed_an_edge_fails_and_names_it(missing: str) -> None:
    """One pair or one count that nobody saw fails a run of all machines."""
    seen = {edge: count for edge, count in ALL_EDGES.items() if edge != missing}
    status, lines = gate(Seen(guide.ALL, seen))

    assert pytest.ExitCode.TESTS_FAILED == status
    assert f"unseen: {missing}" == lines[-1]


def test_a_run_of_some_machines_is_not_asked_for_all_edges() -> None:
    """Whoever runs one machine is told what it did not see, and passes."""
    some = frozenset(sorted(guide.ALL)[:1])
    status, lines = gate(Seen(some, {}))

    assert pytest.ExitCode.OK == status
    assert lines[-1].endswith("(not all machines ran)")


def test_every_pair_of_every_state_machine_is_an_edge() -> None:
    """The matrices have a cell for each pair, legal or not, and each cap has its counts."""
    shown = "\n".join(edges.matrices(ALL_EDGES))

    assert len([edge for edge in edges.ALL if ">" in edge]) == sum(
        line.split()[1:].count("1") + line.split()[1:].count("1!")
        for line in shown.splitlines()
        if ":" not in line
    )
    assert {"CARD-5 4", "CARD-5 5", "CARD-5 6"} <= edges.ALL
