"""A migration that does nothing, for a schema that has none yet."""

from pathlib import Path

from conformance.engine.deployment.migrations import Migration

NOTHING = Migration(Path("nothing.sql"), "nothing.sql", "", "")
