"""Completion of the console command in a shell."""

import shutil
import subprocess
from pathlib import Path

import pytest
import shtab

from conformance.commands import main
from conformance.engine.explain.completion import SHELLS
from conformance.engine.findings.store import FOLDER

SCRIPT = "framecast-conformance"
# What bash does when a user presses the key after some words.
PRESS = """
source {file}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
$(complete -p {script} | sed 's/.*-F \\([^ ]*\\) .*/\\1/') {script}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def printed(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command prints for a shell."""
    assert 0 == main(["completion", shell])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (f"{SCRIPT} mut", "mutants"),
        (f"{SCRIPT} explain INV-T2", "INV-T2"),
        (f"{SCRIPT} explain inv-t", "INV-T2"),
        (f"{SCRIPT} explain inv_t2", "INV-T2"),
        (f"{SCRIPT} mutants INV-U5", "INV-U5"),
        (f"{SCRIPT} replay INV-T6", "inv_t6__0123abcd"),
        (f"{SCRIPT} rules --tab", "--table"),
        (f"{SCRIPT} replay inv", "inv_t6__0123abcd"),
        (f"{SCRIPT} test --ru", "--rule"),
        (f"{SCRIPT} test --rule INV-T", "INV-T2"),
        (f"{SCRIPT} test --rule inv_t", "INV-T2"),
        (f"{SCRIPT} findings --rule state-j", "STATE-JOB"),
        (f"{SCRIPT} test --max-f", "--max-failures"),
        (f"{SCRIPT} rules --verdict ''", "not-run"),
    ],
)
def test_bash_completes(
    words: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command, a rule and an option are completed where they may stand."""
    bash = shutil.which("bash")
    assert bash is not None
    file = tmp_path / "completion"
    file.write_text(printed("bash", capsys))
    kept = tmp_path / FOLDER
    kept.mkdir(parents=True)
    for ending in ("json", "sql"):
        (kept / f"inv_t6__0123abcd.{ending}").touch()
    below = tmp_path / "db" / "schema"  # findings are found from below, too
    below.mkdir(parents=True)
    script = PRESS.format(file=file, words=words, script=SCRIPT)

    done = subprocess.run(
        [bash, "--norc"],
        cwd=below,
        input=script,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert expected in done.stdout.split(), done.stdout + done.stderr


@pytest.mark.parametrize("shell", shtab.SUPPORTED_SHELLS)
def test_every_shell_is_told_the_rules(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every shell of the library gets a script with commands and rules in it."""
    assert shell in SHELLS
    script = printed(shell, capsys)

    assert "explain" in script
    assert "INV-T2" in script
