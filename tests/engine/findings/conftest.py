"""Folder of a project whose runs keep findings."""

from pathlib import Path

import pytest

from conformance.engine.findings import store
from conformance.engine.findings.kept import Kept
from conformance.engine.postgres import Server
from tests.support.kept import kept

ROOT = Path(__file__).parents[3]
HOLE = "ALTER TABLE teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project's folder; the user's own state is elsewhere."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    project = tmp_path / "project"
    (project / "below").mkdir(parents=True)
    return project


@pytest.fixture
def holed(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[Kept, list[str]]:
    """Keep a finding on a schema that has it; lend the options of its replay, elsewhere."""
    (folder / "migrations").mkdir()
    for file in (ROOT / "migrations").glob("*.sql"):
        (folder / "migrations" / file.name).symlink_to(file)
    (folder / "migrations" / "900_hole.sql").write_text(HOLE)
    one = kept(folder)
    store.write(folder / store.FOLDER, [one])
    monkeypatch.chdir("/")
    return one, ["replay", one.seen.id[:9], "--database-url", server.conninfo]
