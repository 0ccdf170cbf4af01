"""Files that keep a role out of the database: found by their text, or by what comes of it."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import changes
from conformance.engine.gate.files import Files
from conformance.engine.postgres.scratch import Scratch
from tests.support.trials import attempted, flipped


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("ALTER ROLE framecast_app NOLOGIN", "role framecast_app: may not log in any more"),
        (
            "ALTER ROLE framecast_app CONNECTION LIMIT 0",
            "role framecast_app: may have only",
        ),
        (
            "ALTER ROLE framecast_app VALID UNTIL '2020-01-01'",
            "role framecast_app: may log in",
        ),
        ("REVOKE CONNECT ON DATABASE x FROM PUBLIC", "CONNECT to PUBLIC: this right is lost"),
        ("REVOKE ALL ON DATABASE x FROM framecast_app", "CONNECT to framecast_app: this right"),
        (
            "DO $$ BEGIN EXECUTE 'REVOKE CONNECT ON DATABASE x FROM PUBLIC'; END $$",
            "CONNECT to PUBLIC: this right is lost",
        ),
        (
            "DO $$ BEGIN ALTER ROLE framecast_app NOLOGIN; END $$",
            "role framecast_app: may not log in any more",
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER ROLE %I NOLOGIN', 'framecast_app'); END $$",
            "ROLE in a string: may keep a role out",
        ),
        ("DO $$ BEGIN EXECUTE format('ALTER ROLE %I LOGIN', 'framecast_app'); END $$", ""),
        ("ALTER ROLE framecast_app LOGIN CONNECTION LIMIT -1", ""),
        ("CREATE ROLE r; ALTER ROLE r NOLOGIN", ""),
        ("REVOKE CREATE ON DATABASE x FROM PUBLIC", ""),
        (
            (
                "REVOKE CONNECT ON DATABASE x FROM PUBLIC; "
                "GRANT CONNECT ON DATABASE x TO framecast_app"
            ),
            "",
        ),
    ],
)
def test_who_is_kept_out_is_told(script: str, place: str, tmp_path: Path) -> None:
    """A file that lets the application in no longer is found by its text: no schema shows it."""
    for waiver in ("", f"-- waives RIGHT {place.partition(':')[0]}: a reason\n"):
        (tmp_path / "a.sql").write_text(waiver + script)
        [file] = migrations.load(tmp_path)
        waived, _ = waivers.of_files([file])
        faults, _ = changes.look([{}, {}], Files((), (file,), (), tuple(waived)))
        told = [fault.what for fault in faults]

        assert (bool(place) and not waived) == bool(told)
        assert all(each.startswith(place) for each in told)
        if not place:
            break


def test_who_may_not_connect_after_pieced_sql_is_told(scratch: Scratch, folder: Path) -> None:
    """A right to connect that a string of pieces takes is found by what is left."""
    script = """
        DO $$ BEGIN EXECUTE 'REVOKE ' || 'CONNECT ON DATABASE ' || quote_ident(current_database())
        || ' FROM PUBLIC'; END $$
    """
    again = script.replace("REVOKE", "GRANT").replace("FROM PUBLIC", "TO framecast_app")
    [fault], _ = changes.look(*flipped(attempted(scratch, folder, script)))
    let_in, _ = changes.look(*flipped(attempted(scratch, folder, f"{script};{again}")))

    assert fault.what == "CONNECT to PUBLIC: this right is lost"
    assert [] == let_in
