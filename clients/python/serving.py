"""A client as a program: it reads names of flows, does each, and prints what became of it."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from clients.python.answers import answer

IDS: Final = json.loads((Path(__file__).parent.parent / "world.json").read_text())
# Ids by name, and the owners of what a team has and of what Ben has in it.
WHO: Final = {name: UUID(number) for name, number in IDS.items()}
TEAM: Final = f"framecast:team:{WHO['harbour']}"
MEMBER: Final = f"framecast:{WHO['harbour']}:{WHO['ben']}"


def serve(flows: Mapping[str, Callable[[], Any]], refusal: Callable[[Exception], Any]) -> None:
    """Do the flows that are asked for, one a line, until there are no more.

    Args:
        flows: what the client can do.
        refusal: takes from the client's own exception the SQLSTATE and the constraint.
    """
    for line in sys.stdin:
        told: dict[str, Any] = {}
        name = line.strip()
        try:
            if name in flows:
                flows[name]()
                told["done"] = True
        except Exception as error:  # noqa: BLE001 - whatever a library raises is what we are after
            sqlstate, constraint = refusal(error)
            told = {"sqlstate": sqlstate, "constraint": constraint, "message": repr(error)}
            told["answer"], told["hint"] = answer(sqlstate, constraint)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
