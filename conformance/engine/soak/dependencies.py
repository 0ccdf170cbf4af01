"""Dependencies between the transactions of a load, and the cycles that isolation forbids.

What a schema promises rests on what the server promises each transaction of others that run beside
it. A transaction depends on another when it replaced a row of it (ww), when it read one (wr), or
when the other has replaced what it had read (rw); cycles of these are the phenomena by which Adya
defined the levels of isolation ("Weak Consistency", 1999), and Elle looks for the same ones.

- At every level: a cycle of ww and wr alone (G1c), and a row that a failed transaction wrote (G1a).
- At repeatable read and serializable, for who read first: a cycle with one rw (G-single).
- Among serializable transactions alone: any cycle (G2).

Other cycles are allowed: two at read committed may each go by what the other then changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import psycopg

    from conformance.engine.soak.reads import Record, Row

WW, WR, RW = "ww", "wr", "rw"
SERIALIZABLE: Final = "SERIALIZABLE"
SNAPSHOT: Final = frozenset({"REPEATABLE READ", SERIALIZABLE})
WRITTEN: Final = """
SELECT tbl, coalesce(new, old) ->> 'id', xid::text
FROM conformance.changes
WHERE op <> 'TRUNCATE' AND tbl NOT LIKE '%.%'
ORDER BY seq
"""
FAILED: Final = """
SELECT x FROM unnest(%s::bigint[]) AS x WHERE pg_xact_status(x::text::xid8) = 'aborted'
"""


class Edge(NamedTuple):
    """A dependency: the second transaction comes after the first, by a row, and how."""

    first: int
    second: int
    kind: str
    row: Row


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle that should not be.

    Attributes:
        name: what it is called: `G1a`, `G1c`, `G-single` or `G2`.
        edges: its dependencies, each of which begins where the one before ends; for a G1a, the one.
    """

    name: str
    edges: tuple[Edge, ...]

    def told(self, records: Mapping[int, Record]) -> str:
        """Return it in lines, for a person."""

        def say(number: int) -> str:
            known = records.get(number)
            return f"{number} ({known.level.lower()})" if known else str(number)

        return "".join(
            f"{say(each.first)} -{each.kind}-> {say(each.second)} by {' '.join(each.row)}\n"
            for each in self.edges
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Summary of a load's dependencies.

    Attributes:
        transactions: how many committed.
        counts: how many dependencies there are of each kind.
        unknown: reads of rows whose transaction is not told apart, such as a subtransaction's.
        allowed: how many groups of transactions depend on each other in a circle that their levels
            allow.
        cycles: those that they forbid.
    """

    transactions: int
    counts: Mapping[str, int]
    unknown: int
    allowed: int
    cycles: Sequence[Cycle]


def versions(connection: psycopg.Connection[Any]) -> dict[Row, list[int]]:
    """Return by row the transactions that wrote it, in order, of a database with a history."""
    found: dict[Row, list[int]] = {}
    for table, key, xid in connection.execute(WRITTEN):
        writers = found.setdefault((table, key), [])
        if writers[-1:] != [int(xid)]:
            writers.append(int(xid))
    return found


def failed(connection: psycopg.Connection[Any], records: Iterable[Record]) -> set[int]:
    """Return the transactions among those that were read which the server says have failed."""
    read = sorted({xid for record in records for xid in record.reads.values()})
    return {int(xid) for (xid,) in connection.execute(FAILED, (read,))}


def look(
    records: Sequence[Record], versions: Mapping[Row, Sequence[int]], failed: Iterable[int] = ()
) -> Found:
    """Return what the dependencies of transactions show.

    Args:
        records: those that committed and are known to have.
        versions: by row, the transactions that wrote it, in order.
        failed: transactions that did not commit.
    """
    levels = {record.xid: record.level for record in records}
    edges, unknown = _edges(records, versions)
    bad = frozenset(failed)
    graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    graph.add_nodes_from(levels)
    graph.add_nodes_from(xid for writers in versions.values() for xid in writers)
    for edge in edges:
        graph.add_edge(edge.first, edge.second, edge=edge)
    cycles = [
        Cycle("G1a", (Edge(xid, record.xid, WR, row),))
        for record in records
        for row, xid in record.reads.items()
        if xid in bad
    ]
    settled = _only(graph, lambda edge: edge.kind != RW)
    components = list(_components(settled))
    cycles += [Cycle("G1c", _around(settled, component)) for component in components]
    if not components:
        cycles += _singles(settled, edges, levels)
    strict = graph.subgraph(xid for xid, level in levels.items() if level == SERIALIZABLE)
    cycles += [Cycle("G2", _around(strict, component)) for component in _components(strict)]
    counts = {kind: sum(edge.kind == kind for edge in edges) for kind in (WW, WR, RW)}
    allowed = len(list(_components(graph))) if not cycles else 0
    return Found(len(graph), counts, unknown, allowed, cycles)


def _edges(
    records: Iterable[Record], versions: Mapping[Row, Sequence[int]]
) -> tuple[list[Edge], int]:
    """Return all dependencies, and how many reads led to none that is known."""
    edges = {
        Edge(before, after, WW, row)
        for row, writers in versions.items()
        for before, after in pairwise(writers)
    }
    unknown = 0
    for record in records:
        for row, xid in record.reads.items():
            writers = versions.get(row, ())
            if xid not in writers:
                unknown += 1
                continue
            edges.add(Edge(xid, record.xid, WR, row))
            later = writers[writers.index(xid) + 1 :]
            if later and later[0] != record.xid:
                edges.add(Edge(record.xid, later[0], RW, row))
    return sorted(each for each in edges if each.first != each.second), unknown


def _singles(
    settled: nx.MultiDiGraph[int], edges: Iterable[Edge], levels: Mapping[int, str]
) -> Iterator[Cycle]:
    """Yield the cycles with one rw, of a transaction that should have read what was there before.

    Dependencies without rw are in no circle here, so what comes later in their order leads nowhere.
    """
    place = {xid: at for at, xid in enumerate(nx.topological_sort(settled))}
    for edge in edges:
        is_due = edge.kind == RW and levels.get(edge.first) in SNAPSHOT
        if is_due and place[edge.second] < place[edge.first]:
            try:
                way = nx.shortest_path(settled, edge.second, edge.first)
            except nx.NetworkXNoPath:
                continue
            yield Cycle("G-single", (edge, *_along(settled, way)))


def _only(graph: nx.MultiDiGraph[int], chosen: Callable[[Edge], bool]) -> nx.MultiDiGraph[int]:
    some: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    some.add_nodes_from(graph)
    for first, second, data in graph.edges(data=True):
        if chosen(data["edge"]):
            some.add_edge(first, second, **data)
    return some


def _components(graph: nx.MultiDiGraph[int]) -> Iterator[set[int]]:
    """Yield the sets of transactions each of which depends on all others of its set."""
    return (each for each in nx.strongly_connected_components(graph) if len(each) > 1)


def _around(graph: nx.MultiDiGraph[int], component: set[int]) -> tuple[Edge, ...]:
    """Return one cycle within a component."""
    way = [first for first, *_ in nx.find_cycle(graph.subgraph(component))]
    return _along(graph, [*way, way[0]])


def _along(graph: nx.MultiDiGraph[int], way: Sequence[int]) -> tuple[Edge, ...]:
    return tuple(
        min(data["edge"] for data in graph[first][second].values())
        for first, second in pairwise(way)
    )
