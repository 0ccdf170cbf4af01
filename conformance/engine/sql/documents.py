"""JSON documents, wrapped so that a writer knows a jsonb value from an array."""

import json
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""What `json` reads and writes; floats are finite."""


@dataclass(frozen=True)
class Jsonb:
    """A value of a jsonb column."""

    value: Json

    def __str__(self) -> str:
        """Return the document as JSON text, in ASCII."""
        return json.dumps(self.value, allow_nan=False)
