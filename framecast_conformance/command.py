"""The script `framecast-conformance`: its command is found whatever else has the suite's name.

Importing this module is enough, for processes that a command spawns import the script again.
"""

from __future__ import annotations

from framecast_conformance.installed import prefer

prefer()

from conformance.__main__ import run  # noqa: E402 - of this installation, as was just seen to

__all__ = ["run"]
