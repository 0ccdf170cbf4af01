"""Files that keep a role out of the database: found by their text."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import changes
from conformance.engine.gate.files import Files


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
