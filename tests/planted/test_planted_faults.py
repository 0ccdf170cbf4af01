"""Schemas with a planted fault get the right verdict for the right rule, by real runs."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import pytest

from conformance.engine.postgres import binaries
from conformance.engine.postgres.scratch import Database, Scratch
from conformance.framecast.rules import RULES
from tests.planted.variations.running import ENVIRON, HASTY
from tests.support.rewriting import rechecked, rewritten

pytestmark = pytest.mark.slow
ROOT: Final = Path(__file__).parents[2]
SUITE: Final = str(ROOT / "conformance")
SEED: Final = "--hypothesis-seed=7"
ALL_HELD, SOME_FAILED, NO_TESTS = 0, 1, 5


class Run(NamedTuple):
    """A schema with faults, the tests that are tried on it, and the verdicts that it must get."""

    faults: tuple[str, ...]
    chosen: str
    verdicts: dict[str, str]
    options: tuple[str, ...] = ()


RUNS: Final = {
    "holes": Run(
        (
            rechecked(
                "users",
                "inv_u1__users_creator_iff_upgraded",
                "(tier = 'creator') = (upgraded_at > '-infinity')",
            ),
            rewritten("tg_jobs__may_be_made", "OFFSET 5", "OFFSET 6"),
            rechecked("webhooks", "inv_w2__webhooks_has_an_event", "array_length(events, 1) >= 1"),
            rechecked(
                "webhook_deliveries",
                "inv_wd4__webhook_deliveries_delivered_has_time",
                "status <> 'delivered' OR delivered_at > '-infinity'",
            ),
            "DROP TRIGGER _700_inv_t2__memberships_owner_not_demoted ON public.memberships;",
            (
                "DROP TRIGGER _300_state_asset__asset_files_ready_and_failed_are_final"
                " ON public.asset_files;"
            ),
            rechecked(
                "asset_files",
                "inv_af3__asset_files_size_at_most_50_mib",
                "size_bytes < 50 * 1024 * 1024",
            ),
            rechecked("usage", "inv_us2__usage_renders_not_negative", "renders_count > 0"),
            (
                "ALTER TABLE public.system_assets RENAME CONSTRAINT"
                " inv_sa2__system_assets_id_names_category TO system_assets_id_check1;"
            ),
        ),
        "card_5__insert or inv_w2__insert or inv_wd4__update or inv_t2__update or"
        " state_asset__update or inv_af3__insert or inv_us2__insert or inv_sa2__insert or"
        " inv_a2__insert or inv_u3__move or inv_u1__insert or inv_u1__update",
        {
            "INV-U1": "broken",
            "CARD-5": "broken",
            "INV-W2": "broken",
            "INV-WD4": "broken",
            "INV-T2": "broken",
            "STATE-ASSET": "broken",
            "INV-AF3": "overblocked",
            "INV-US2": "overblocked",
            "INV-SA2": "unnamed",
            "INV-A2": "held",
            "INV-U3": "unproven",  # a move that must be refused is one side only
        },
    ),
    "too strict": Run(
        (
            rewritten("tg_jobs__may_be_made", "OFFSET 5", "OFFSET 4"),
            rewritten("reject", "CONSTRAINT = p_rule,", ""),
        ),
        "card_5__insert or state_user__update or inv_u6__insert",
        {"CARD-5": "unproven", "STATE-USER": "unnamed", "INV-U6": "held"},
    ),
    "too early": Run(
        (
            "DROP TRIGGER _700_inv_t2__teams_has_an_owner ON public.teams;",
            (
                "CREATE TRIGGER _700_inv_t2__teams_has_an_owner AFTER INSERT ON public.teams"
                " FOR EACH ROW EXECUTE FUNCTION framecast.tg__team_has_an_owner();"
            ),
        ),
        "inv_t2__insert or inv_w4__insert or inv_sa3__insert",
        {"INV-T2": "overblocked", "INV-W4": "unproven", "INV-SA3": "held"},
    ),
    "no credits": Run(
        (
            rechecked("users", "inv_u5__users_credits_not_negative", "credits > 0"),
            "DROP TABLE public.system_assets CASCADE;",
            "ALTER TABLE public.usage ADD CHECK (false);",
        ),
        "inv_u5__insert or inv_u6__insert or inv_w4__insert or inv_sa3__insert or inv_us3__insert"
        " or inv_t4__insert or inv_us1__insert",
        {
            "INV-U5": "overblocked",
            "INV-U6": "unproven",  # because of the other
            "INV-W4": "unproven",
            "INV-SA3": "unproven",
            "INV-US3": "unproven",  # a check of no rule refuses all
            "INV-US1": "unproven",
            "INV-T4": "unproven",
        },
    ),
    "another's fault": Run(
        (
            rechecked("users", "inv_u5__users_credits_not_negative", "credits > 0"),
            "ALTER TABLE public.usage ADD COLUMN kind text NOT NULL;",
        ),
        "inv_u6__insert or inv_u6__update or inv_us2__insert",
        {"INV-U5": "overblocked", "INV-U6": "unproven", "INV-US2": "unproven"},
    ),
    "renamed and weaker": Run(
        (
            "ALTER TABLE public.users DROP CONSTRAINT inv_u5__users_credits_not_negative;",
            "ALTER TABLE public.users ADD CONSTRAINT credits_check CHECK (credits >= -1);",
            (
                "ALTER TABLE public.users"
                " DROP CONSTRAINT inv_u6__users_ephemeral_storage_not_negative;"
            ),
            (
                "ALTER TABLE public.users ADD CONSTRAINT storage_check"
                " CHECK (ephemeral_storage_bytes NOT BETWEEN -9000 AND -1);"
            ),
        ),
        "inv_u5__update or inv_u6__insert",
        {"INV-U5": "broken", "INV-U6": "broken"},
    ),
    "slugs of no name": Run(
        (rewritten("tg_teams__make_slug", "framecast.slug_of(NEW.name)", "'team'"),),
        "auto_slug__",
        {"AUTO-SLUG": "broken"},
    ),
    "no fault": Run((), "inv_u5__", {"INV-U5": "held"}),
    "no fault, two workers": Run((), "inv_u5__", {"INV-U5": "held"}, ("-n2",)),
}
CASES: Final = [(run, rule) for run, planned in RUNS.items() for rule in planned.verdicts]


class Ended(NamedTuple):
    """End of a run: its exit code, its output, and its report of each rule."""

    code: int
    output: str
    rules: dict[str, dict[str, Any]]


def conformance(run: Run, folder: Path) -> Ended:
    """Run the suite on the migrations with the faults."""
    migrations, report = folder / "migrations", folder / "report.json"
    shutil.copytree(ROOT / "migrations", migrations)
    (migrations / "900_fault.sql").write_text("\n".join(("SELECT 1;", *run.faults)))
    chosen = f"({run.chosen}) and test_rule"
    options = ("--migrations", migrations, "--conformance-report", report, "-k", chosen, SEED)
    command = (sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-q", *HASTY)
    done = subprocess.run(
        [*map(str, (*command, "-p", "no:cacheprovider", *options, *run.options)), SUITE],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,  # where Hypothesis keeps what it found: a fault's examples are of no more use
        env=ENVIRON,
    )
    rules = json.loads(report.read_text())["rules"] if report.exists() else []
    return Ended(done.returncode, done.stdout + done.stderr, {each["id"]: each for each in rules})


@cache
def ended(name: str) -> Ended:
    """Run a schema once, for all tests that look at what came of it."""
    with TemporaryDirectory() as folder:
        return conformance(RUNS[name], Path(folder))


@pytest.mark.parametrize(("run", "rule"), CASES)
def test_a_fault_gets_its_verdict(run: str, rule: str) -> None:
    """The rule of the fault gets the verdict that belongs to it, and other rules get theirs."""
    seen = ended(run)
    assert rule in seen.rules, seen.output
    assert RUNS[run].verdicts[rule] == seen.rules[rule]["verdict"], seen.output


@pytest.mark.parametrize("run", RUNS)
def test_a_run_passes_only_where_all_is_held(run: str) -> None:
    """A run that reports anything but held fails; rules that were not chosen are not reported."""
    seen = ended(run)
    held = {"held"} == set(RUNS[run].verdicts.values())
    assert (ALL_HELD if held else SOME_FAILED) == seen.code, seen.output
    assert set(RUNS[run].verdicts) == set(seen.rules)


def test_a_run_of_nothing_is_no_pass() -> None:
    """A run that chooses no test does not end as if all were well."""
    with TemporaryDirectory() as folder:
        nothing = conformance(Run((), "nothing_has_this_name", {}), Path(folder))
    assert (NO_TESTS, {}) == (nothing.code, nothing.rules)


def test_workers_see_what_one_process_sees() -> None:
    """With the same seed, two workers count what one process counts, along every path."""
    own: dict[str, Any] = {"places": {}}  # each run has a folder of its own
    one, two = (
        {rule: {**seen, **own} for rule, seen in ended(run).rules.items()}
        for run in ("no fault", "no fault, two workers")
    )
    assert one == two
    assert "bringing up nodes" in ended("no fault, two workers").output


@pytest.mark.parametrize("rule", RUNS["renamed and weaker"].verdicts)
def test_a_failure_hides_no_other(rule: str) -> None:
    """Of a rule that is refused under a strange name and broken as well, both are reported."""
    seen = ended("renamed and weaker")
    assert {"broken", "unnamed"} == {each["verdict"] for each in seen.rules[rule]["failures"]}
    assert f"also found: {rule} is unnamed" in seen.output


def test_what_refused_is_named() -> None:
    """A rule that another rule or a column leaves unproven says which, and is not blamed."""
    seen = ended("another's fault")
    observed = {
        rule: {each["observed"] for each in seen.rules[rule]["failures"]}
        for rule in ("INV-U6", "INV-US2")
    }
    assert observed["INV-U6"]
    assert all("because of INV-U5" in each for each in observed["INV-U6"])
    assert observed["INV-US2"]
    assert all("usage.kind" in each for each in observed["INV-US2"])


@pytest.mark.parametrize("rule", RUNS["holes"].verdicts)
def test_a_failure_says_all(rule: str) -> None:
    """A rule that is not held has failures, each with its path, its test, and SQL to show it."""
    seen = ended("holes").rules[rule]
    tried = sum(path.get("accepted", 0) for path in seen["paths"].values())
    assert (seen["verdict"] in {"held", "unproven"}) == (not seen["failures"])
    assert seen["accepted"] == tried
    own = [f"test_rules.py::test_rule[{RULES[rule].token}" in f["test"] for f in seen["failures"]]
    assert any(own) == bool(own)
    for failure, is_its_own in zip(seen["failures"], own, strict=True):
        assert (rule, seen["verdict"]) == (failure["rule"], failure["verdict"]) or (
            failure["verdict"] in ("unnamed", "unproven")
        )
        assert is_its_own or "(tried for " in failure["expected"]
        assert failure["expected"]
        assert failure["observed"]
        assert not is_its_own or "reason" not in seen["paths"][failure["path"]]


@pytest.mark.parametrize("rule", ["INV-U1", "CARD-5", "INV-W2", "INV-WD4", "INV-T2"])
def test_a_failure_is_shown_by_psql(rule: str, faulty: Database, tmp_path: Path) -> None:
    """The script of a failure, run by psql on a fresh installation, breaks the rule there too."""
    failure = ended("holes").rules[rule]["failures"][0]
    script = tmp_path / "shown.sql"
    script.write_text(failure["script"])
    bin_dir = binaries.embedded()
    psql = str(bin_dir / "psql") if bin_dir else "psql"
    command = [psql, faulty.conninfo, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, "") == (shown.returncode, shown.stderr)
    with faulty.connect() as connection:
        assert connection.execute(RULES[rule].violations).fetchall()


@pytest.fixture
def faulty(scratch: Scratch, tmp_path: Path) -> Iterator[Database]:
    """Install the schema with holes."""
    migrations = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", migrations)
    (migrations / "900_fault.sql").write_text("\n".join(RUNS["holes"].faults))
    with scratch.cloned(scratch.template(migrations)) as database:
        yield database
