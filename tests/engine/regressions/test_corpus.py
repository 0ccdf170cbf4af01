"""The corpus: what an entry is, what becomes of it, and how a run adds to it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.engine.cases.steps import ACCEPTED, LEGAL, Step, of_history
from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.regressions.entries import (
    Entry,
    Status,
    UnreadableEntryError,
    read,
    replay,
    write,
)
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import Insert, Statement, statements
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.operations.jobs import MAKE as MAKE_JOB
from conformance.framecast.operations.users import SIGN_UP, SIGN_UP_AS_CREATOR

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "conformance" / "corpus"
USER = "00000000-0000-0000-0000-000000000001"
MAKE = statements(Insert("users", ({"id": USER, "email": "a@example.com"},)))[0]
SPEND = Statement("UPDATE public.users SET credits = -1")
EARN = Statement("UPDATE public.users SET credits = 1")
COPY = Statement("COPY public.users (email) FROM STDIN", "b@example.com\n")
# Credits below zero are no longer refused.
HOLE = "ALTER TABLE public.users DROP CONSTRAINT inv_u5__users_credits_not_negative;"

# A request that is repeated makes a second job.
KEYLESS = "ALTER TABLE public.jobs DROP CONSTRAINT jobs_idempotency_key_used_once_by_user;"
# An email is changed on its way in, of which no rule speaks.
SHOUTS = """
CREATE FUNCTION framecast.tg_users__shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.email := upper(NEW.email);
    RETURN NEW;
END;
$$;
CREATE TRIGGER _100_shout BEFORE INSERT ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg_users__shout();
"""


@pytest.fixture(scope="module")
def sandbox(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """Lend a database with the schema."""
    with scratch.cloned(template, "corpus") as database, Sandbox(database.conninfo) as sandbox:
        yield sandbox


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.json")), ids=lambda each: each.stem)
def test_what_is_kept_is_fixed(file: Path, sandbox: Sandbox) -> None:
    """Every regression that is kept is a failure of old, and no scenario that was never legal."""
    done = replay(sandbox, read(file))

    assert Status.FIXED == done.status, done.reason


def entry(*steps: Step) -> Entry:
    """Return an entry of a rule on credits."""
    return Entry("INV-U5", "2026-01-01", "a note", steps)


def test_an_entry_survives_its_file(tmp_path: Path) -> None:
    """An entry is read as it was written: statements, COPY lines and all expectations."""
    written = entry(Step((MAKE, COPY)), Step((EARN,), LEGAL), Step((SPEND,), ("INV-U5", "INV-U6")))

    path = write(tmp_path, written)

    assert path is not None
    assert written == read(path)


def test_the_same_failure_is_kept_once(tmp_path: Path) -> None:
    """Rule and steps make an entry what it is, whenever it was found and whatever its note."""
    first = entry(Step((SPEND,), ("INV-U5",)))
    again = Entry(first.rule, "2026-02-02", "another note", first.steps)
    other = entry(Step((SPEND,), LEGAL))

    assert write(tmp_path, first) is not None
    assert write(tmp_path, again) is None
    assert write(tmp_path, other) is not None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"version": 2, "rule": "INV-U5", "found": "", "note": "", "steps": []}',
        '{"version": 1, "rule": "INV-U5", "found": "", "note": "", "steps": []}',
        '{"version": 1, "rule": "INV-U5", "found": "", "note": "", "steps": [{"sql": ["a"]}]}',
        '{"version": 1, "rule": "A", "found": "", "note": "", "steps": [{"sql": [], "expect": 0}]}',
    ],
)
def test_what_is_no_entry_is_said_to_be_none(text: str, tmp_path: Path) -> None:
    """A file of another version, or without what an entry has, cannot be read."""
    file = tmp_path / "entry.json"
    file.write_text(text)

    with pytest.raises(UnreadableEntryError):
        read(file)


@pytest.mark.parametrize(
    ("status", "steps"),
    [
        (Status.FIXED, (Step((MAKE,)), Step((SPEND,), ("INV-U5",)))),
        (Status.FIXED, (Step((MAKE, COPY)), Step((EARN,)))),
        (Status.FIXED, (Step((MAKE,)), Step((SPEND,), LEGAL))),
        (Status.FIXED, (Step((MAKE,)), Step((EARN,), LEGAL))),
        (Status.FAILED, (Step((MAKE,)), Step((EARN,), ("INV-U5",)))),
        (Status.FAILED, (Step((MAKE,)), Step((SPEND,), ("INV-U6",)))),
        (Status.FAILED, (Step((MAKE,)), Step((SPEND,)))),
        (Status.ERROR, (Step((MAKE, SPEND)), Step((EARN,)))),
        (Status.ERROR, (Step((Statement("UPDATE public.nothing SET a = 1"),), LEGAL),)),
        (Status.ERROR, (Step((Statement("nonsense"),), ("INV-U5",)),)),
    ],
)
def test_an_entry_is_replayed(status: Status, steps: tuple[Step, ...], sandbox: Sandbox) -> None:
    """It is FIXED if its last step does as expected, and ERROR if one before it does not."""
    assert status == replay(sandbox, entry(*steps)).status


def test_a_difference_from_the_model_is_replayed_without_it(
    scratch: Scratch, tmp_path: Path, sandbox: Sandbox
) -> None:
    """Rows that break no rule and are not the model's fail again where they are still others."""
    with (
        scratch.cloned(scratch.template(_holed(tmp_path, SHOUTS)), "shouts") as database,
        Sandbox(database.conninfo) as shouting,
    ):
        run = MachineRun(shouting, Log())
        with pytest.raises(Finding) as caught:
            run.do(SIGN_UP, {"email": "o'neil@example.com"})
        assert caught.value.steps is not None
        found = Entry(caught.value.rule, "2026-01-01", "a note", caught.value.steps)
        again = replay(shouting, found)

    assert "MODEL of users" == found.rule
    assert Status.FAILED == again.status
    assert Status.FIXED == replay(sandbox, found).status


def test_what_a_key_should_have_refused_is_replayed(
    scratch: Scratch, tmp_path: Path, sandbox: Sandbox
) -> None:
    """A write that was accepted against a missing key fails again while there is no key."""
    with (
        scratch.cloned(scratch.template(_holed(tmp_path, KEYLESS)), "keyless") as database,
        Sandbox(database.conninfo) as keyless,
    ):
        run = MachineRun(keyless, Log())
        run.do(SIGN_UP_AS_CREATOR, {"email": "a@example.com", "team": True})
        plain = {"by": (1, None, 1), "project": None, "charge": 0, "status": "queued"}
        run.do(MAKE_JOB, {**plain, "key": "once"})
        with pytest.raises(Finding) as caught:
            run.do(MAKE_JOB, {**plain, "key": "once"})
        assert caught.value.steps is not None
        found = Entry(caught.value.rule, "2026-01-01", "a note", caught.value.steps)
        again = replay(keyless, found)

    assert "KEY jobs" == found.rule
    assert Status.FAILED == again.status
    assert Status.FIXED == replay(sandbox, found).status


def test_a_broken_rule_fails_whatever_was_expected(scratch: Scratch, tmp_path: Path) -> None:
    """A transaction that is accepted, as expected, fails where it leaves a broken rule behind."""
    schema = _holed(tmp_path)
    steps = (Step((MAKE,)), Step((SPEND,), LEGAL))

    with (
        scratch.cloned(scratch.template(schema), "holed") as database,
        Sandbox(database.conninfo) as holed,
    ):
        replayed = replay(holed, entry(*steps))

    assert Status.FAILED == replayed.status
    assert "INV-U5 is broken" in replayed.reason


def test_the_way_to_a_failure_leaves_out_what_was_rejected() -> None:
    """Of what a database went through, accepted transactions are kept, and the one that failed."""
    rejected = Rejected("23514")
    history: list[tuple[tuple[Statement, ...], Outcome]] = [
        ((MAKE,), Accepted()),
        ((SPEND,), rejected),
        ((EARN,), Accepted()),
    ]

    way = Step((MAKE,))
    assert (way, Step((EARN,), ("INV-U5",))) == of_history(history, ("INV-U5",))
    assert (way, Step((SPEND,), ACCEPTED)) == of_history(history[:2], ACCEPTED)
    assert (Step((MAKE,), LEGAL),) == of_history(history[:2], LEGAL)
    assert () == of_history([], LEGAL)


def test_the_project_keeps_what_its_schema_once_let_pass() -> None:
    """Every entry of the project's own corpus can be read, under the name that it should have."""
    files = sorted(CORPUS.glob("*.json"))

    assert files
    assert [file.name for file in files] == [read(file).name for file in files]


def test_a_failure_is_kept_and_replayed(tmp_path: Path) -> None:
    """A run that finds a failure keeps it, the next one replays it first, and a mend fixes it."""
    schema, folder = _holed(tmp_path), tmp_path / "corpus"
    folder.mkdir()

    found = _run("-k", "inv_u5__update", schema=schema, folder=folder)
    (file,) = folder.glob("*.json")
    again = _run("-k", "inv_u5__update or test_corpus", schema=schema, folder=folder)
    mended = _run("-k", "test_corpus", schema=ROOT / "migrations", folder=folder)

    assert "NEW " in found
    assert "INV-U5" == json.loads(file.read_text())["rule"]
    assert "0 FIXED, 1 FAILED, 0 ERROR" in again
    assert again.index("test_corpus.py") < again.index("test_rules.py")
    assert [file] == list(folder.glob("*.json"))
    assert "1 FIXED, 0 FAILED, 0 ERROR" in mended


def test_nothing_is_kept_in_ci(tmp_path: Path) -> None:
    """Where CI is set a run keeps nothing."""
    schema, folder = _holed(tmp_path), tmp_path / "corpus"
    folder.mkdir()

    _run("-k", "inv_u5__update", schema=schema, folder=folder, ci="1")

    assert [] == list(folder.iterdir())


def test_an_entry_that_cannot_be_read_fails_the_run(tmp_path: Path) -> None:
    """A file that is no entry is an ERROR."""
    (tmp_path / "broken.json").write_text("{")

    assert "0 FIXED, 0 FAILED, 1 ERROR" in _run(
        "-k", "test_corpus", schema=ROOT / "migrations", folder=tmp_path
    )


def _holed(folder: Path, hole: str = HOLE) -> Path:
    """Make a schema with a hole."""
    schema = Path(shutil.copytree(ROOT / "migrations", folder / "migrations"))
    (schema / "999_hole.sql").write_text(hole)
    return schema


def _run(*options: str, schema: Path, folder: Path, ci: str | None = None) -> str:
    """Run the suite on a schema with a corpus, and return what it prints."""
    surroundings = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "conformance", "-v", "--hypothesis-seed=7"),
            *("--migrations", str(schema), "--conformance-corpus", str(folder), *options),
        ],
        cwd=ROOT,
        env={**surroundings, **({"CI": ci} if ci else {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout
