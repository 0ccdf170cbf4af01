"""Clients and flows side by side: what became of each, on each server and schema."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from clients.flows import HERE, Flow, Mistake
from clients.harness import Outcome, connected, database
from conformance.engine.postgres import Request, provision, scratch

PAGE: Final = HERE.parent / "docs/clients.md"
RULES: Final[dict[str, Any]] = json.loads((HERE.parent / "migrations/rules.json").read_text())
ROW: Final = re.compile(r"^\| (?P<flow>[^|]+?) \| (?P<cells>.+) \|$", re.MULTILINE)
DONE, REFUSED, NONE, LOST = "✓", "✗", "–", "lost"


class Seen(NamedTuple):
    """One flow of one client in one place.

    Attributes:
        place: the major of PostgreSQL.
        schema: the number of the folder.
        client: its name.
        flow: what it did.
        outcome: what became of it.
    """

    place: str
    schema: int
    client: str
    flow: Flow
    outcome: Outcome


def measured(
    majors: Iterable[int | None], folders: list[Path], clients: list[str], flows: list[Flow]
) -> Iterator[Seen]:
    """Let clients do flows on some majors of PostgreSQL, with the schemas of some folders."""
    for major in majors:
        with provision(Request(major=major)) as server, scratch.opened(server) as scratches:
            for number, folder in enumerate(folders):
                with database(scratches, folder) as place:
                    for name in clients:
                        with connected(name, place) as client:
                            for flow in flows:
                                outcome = client.does(flow)
                                yield Seen(str(server.major), number, name, flow, outcome)


def shown(flow: Flow, outcome: Outcome) -> str:
    """Return a cell: done, refused as it should be, or what else became of it."""
    if not outcome.known:
        return NONE
    if outcome.done:
        return LOST if isinstance(flow, Mistake) else DONE
    if outcome.constraint is None:
        return str(outcome)
    if outcome.constraint == flow.refused:
        return REFUSED
    listed = RULES["constraints"].get(outcome.constraint)
    return (listed and listed["rule"]) or f"`{outcome.constraint}`"


def heading(flow: Flow) -> str:
    """Return what a row is called: with the rule, or the constraint, that refuses it."""
    name = flow.name.replace("_", " ")
    if flow.refused is None:
        return name
    return f"{name}: {RULES['constraints'][flow.refused]['rule'] or flow.refused}"


def written(seen: Iterable[Seen]) -> str:
    """Return the table in Markdown: a row a flow, a column a client.

    A cell says what became of it in each schema, where that differs; and on each server.
    """
    found: dict[str, dict[str, dict[int, dict[str, list[str]]]]] = {}
    for place, schema, client, flow, outcome in seen:
        row = found.setdefault(heading(flow), {}).setdefault(client, {})
        row.setdefault(schema, {}).setdefault(shown(flow, outcome), []).append(place)
        sys.stderr.write(f"{place} {schema} {client}: {flow.name}: {outcome} {outcome.message}\n")
    clients = list(next(iter(found.values())))
    rows = [[flow, *(_cell(cells[client]) for client in clients)] for flow, cells in found.items()]
    lines = [["flow", *clients], ["---"] * (len(clients) + 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def kept(part: str) -> dict[str, dict[str, str]]:
    """Return what a table of the page says of the present schema: by row and client.

    Args:
        part: the heading that it stands under.
    """
    _, _, rest = PAGE.read_text().partition(f"## {part}\n")
    rows = ROW.findall(rest.partition("\n## ")[0])
    (_, names), _, *cells = rows
    clients = names.split(" | ")
    return {
        flow: dict(zip(clients, (each.split(" → ")[-1] for each in line.split(" | ")), strict=True))
        for flow, line in cells
    }


def _cell(schemas: dict[int, dict[str, list[str]]]) -> str:
    said = [
        next(iter(outcomes))
        if len(outcomes) == 1
        else ", ".join(f"{'/'.join(places)}: {each}" for each, places in outcomes.items())
        for outcomes in schemas.values()
    ]
    return " → ".join(dict.fromkeys(said))
