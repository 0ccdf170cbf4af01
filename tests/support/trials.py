"""Roles as which the gate tries files, and what it makes of a trial."""

import dataclasses
from pathlib import Path

from conformance.engine.audit.description import describe
from conformance.engine.audit.owner import Owner
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import powers, trial
from conformance.engine.gate.files import Files
from conformance.engine.gate.trial import Trial
from conformance.engine.postgres.scratch import Database, Scratch

MIGRATIONS = Path(__file__).parents[2] / "migrations"

PLAIN = Owner(
    "mover",
    superuser=False,
    creates_roles=False,
    bypasses_policies=False,
    creates_schemas=True,
    creates_in_public=True,
    member=False,
    administers=False,
)
SUPER = dataclasses.replace(PLAIN, superuser=True)


def flipped(tried: tuple[Trial, Files]) -> tuple[list[dict[tuple[str, str], str]], Files]:
    """Return the steps of a trial, and its files."""
    return tried[0].steps, tried[1]


def described(database: Database, script: str) -> dict[tuple[str, str], str]:
    """Return what a schema is after a script, as a trial describes it."""
    with database.connect() as conn:
        conn.execute(script.encode())
        with conn.transaction():
            return {**powers.describe(conn, script), **describe(conn)}


def attempted(
    scratch: Scratch, folder: Path, *scripts: str, owner: Owner = SUPER
) -> tuple[Trial, Files]:
    """Try files on the project's schema, with the rights of a role."""
    for number, script in enumerate(scripts):
        (folder / f"{900 + number}.sql").write_text(script)
    pending = migrations.load(folder)
    waived, wrong = waivers.of_files(pending)
    assert [] == wrong
    files = Files(migrations.load(MIGRATIONS), pending, (), tuple(waived))
    return trial.tried(scratch, files, owner), files
