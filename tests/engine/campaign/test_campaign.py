"""Campaigns: the same shards whoever carries them out, none lost, none twice, on real clusters."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil
import pytest

from conformance.commands import main
from conformance.engine.arguments import schema_and_server
from conformance.engine.campaign import cluster
from conformance.engine.campaign.attempts import Circumstances, attempt
from conformance.engine.campaign.ledger import Ledger, Result, read
from conformance.engine.campaign.saturation import Saturation
from conformance.engine.campaign.shards import KINDS, CampaignError, Plan, Shard, share
from tests.support.outputs import without_progress

ROOT: Final = Path(__file__).parents[3]
PLAN: Final = Plan(KINDS, first=7, seeds=3, parts=4, mutants=5, arguments=("-k", "x"), code="c")
# Shards of one test each.
FEW: Final = ("--kinds", "near-misses", "--seeds", "4", "--parts", "1")
ONE_TEST: Final = ("-k", "inv_t6__insert_many", "--hypothesis-profile", "quick")
WAIT: Final = 120.0
DASHBOARD: Final = 8787  # where Dask's schedulers answer unless they are told otherwise


def test_a_plan_is_the_same_shards_each_time() -> None:
    """A plan has each part of each kind under each seed once, and shares of it are all of it."""
    shards = PLAN.shards()

    assert shards == PLAN.shards()
    assert 4 * 3 * 4 + 5 == len(shards) == len({shard.name for shard in shards})
    assert sorted(shards) == sorted(each for k in (1, 2, 3) for each in share(shards, k, 3))
    assert set(KINDS) == {shard.kind for shard in shards[:8]}


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    """A ledger keeps results; what was cut off and what ended in an error are tried again."""
    path = tmp_path / "deep" / "ledger.jsonl"
    ledger = Ledger(path, PLAN, resume=False)
    held, error = Result("races/7/1-of-4", "held", 1.5), Result("races/7/2-of-4", "error", 0.5)
    assert ledger.add(held)
    assert not ledger.add(held)
    assert ledger.add(error)
    with path.open("a") as lines:
        lines.write('{"shard": "races/7/3-of')

    again = Ledger(path, PLAN, resume=True)
    last = Result("races/7/3-of-4", "failed", 2, rules={"INV-T2": ("broken", 1, 2)})
    again.add(last)

    assert {each.shard: each.verdict for each in (held, last)} == {
        name: result.verdict for name, result in read(path)[1].items()
    }


@pytest.mark.parametrize(
    ("text", "resume", "said"),
    [
        (json.dumps({"plan": PLAN.document()}) + "\n", False, "go on with --resume"),
        (
            json.dumps({"plan": {**PLAN.document(), "seeds": 9}}) + "\n",
            True,
            "another campaign (seeds)",
        ),
        ("no ledger\n", True, "is no ledger of a campaign"),
    ],
)
def test_a_ledger_of_something_else_is_left_alone(
    text: str, said: str, tmp_path: Path, *, resume: bool
) -> None:
    """A ledger that is not to be gone on with, or of another plan, is refused and not touched."""
    path = tmp_path / "ledger.jsonl"
    path.write_text(text)

    with pytest.raises(CampaignError) as raised:
        Ledger(path, PLAN, resume=resume)

    assert said in str(raised.value)
    assert text == path.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kinds", "races,cards"], "cards: is none of"),
        (["--share", "3/2"], "'3/2' is no part: say 2/8"),
        (["--scheduler", "tcp://x:1", "--workers", "2"], "not allowed with argument"),
    ],
)
def test_wrong_arguments_end_in_one_message(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments that cannot be meant are refused before anything begins."""
    with pytest.raises(SystemExit):
        main(["campaign", *arguments])

    assert said in capsys.readouterr().err


def test_without_dask_nothing_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that cannot be had is said at the start: no ledger is left behind."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    ledger = tmp_path / "ledger.jsonl"

    assert main(["campaign", *FEW, "--workers", "2", "--ledger", str(ledger)]) == 1
    assert "pip install 'framecast-conformance[campaign]'" in capsys.readouterr().err
    assert not ledger.exists()


def test_shares_come_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines without a cluster try a share each; merged, their ledgers are the campaign."""
    monkeypatch.chdir(ROOT)
    two = [*FEW[:2], "--seeds", "1", "--parts", "2", "-k", "inv_t6__insert"]
    ledgers = [str(tmp_path / name) for name in ("one", "two")]
    codes = [
        main(["campaign", *two, "--share", f"{k}/2", "--ledger", ledger])
        for k, ledger in enumerate(ledgers, start=1)
    ]
    capsys.readouterr()

    assert [0, 0] == codes
    assert main(["campaign", "--merge", ledgers[0]]) == 1
    assert capsys.readouterr().out.endswith("1 of 2 shards tried, 0 failed\n")
    assert main(["campaign", "--merge", *ledgers]) == 0
    assert capsys.readouterr().out.endswith("2 of 2 shards tried, 0 failed\n")


def test_a_weaker_schema_fails_its_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard says which rule was broken by which test, and brings the regression along, in CI."""
    monkeypatch.setenv("CI", "true")
    for file in (ROOT / "migrations").glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "999_weaker.sql").write_text(
        "ALTER TABLE public.teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;\n"
    )
    arguments = (*ONE_TEST, "--migrations", str(tmp_path))

    result = attempt(Shard("near-misses", 7, 1, 1), Circumstances.of_this_process(arguments))

    assert "failed" == result.verdict
    assert "broken" == result.failures["INV-T6"]
    assert ["inv_t6"] == [name.partition("__")[0] for name in result.regressions]


def test_mutants_are_a_kind_of_shard() -> None:
    """A shard of mutants counts what became of its own part of them."""
    result = attempt(Shard("mutants", 1, 1, 3000), Circumstances.of_this_process(()))

    assert "held" == result.verdict, result.failures
    assert sum(result.counts.values()) in {1, 2}


@pytest.mark.parametrize("kind", ["mutants", "soaks"])
def test_each_kind_is_of_the_schema_that_is_named(kind: str, tmp_path: Path) -> None:
    """Where `--migrations` names a folder, no shard tries the one that is there."""
    nowhere = ("--migrations", str(tmp_path / "nowhere"), "--hypothesis-profile", "quick")

    result = attempt(Shard(kind, 1, 1, 3000), Circumstances.of_this_process(nowhere, 1))

    assert "error" == result.verdict
    assert f"migrations folder {tmp_path / 'nowhere'} does not exist" in str(result.failures)


def test_arguments_of_pytest_name_a_schema_and_a_server() -> None:
    """Other commands are given these alone, the default folder among them."""
    assert ["--migrations=migrations"] == schema_and_server(["-k", "inv_u5__"])
    given = ["--role=app", "--migrations", "db", "--postgres", "16", "-n", "0"]
    assert ["--migrations=db", "--postgres=16"] == schema_and_server(given)


def test_kinds_take_turns_by_their_weights() -> None:
    """Of a kind that weighs three, three shards begin for one of another."""
    plan = replace(PLAN, kinds=("races", "hostile"), weights=(("races", 3),), seeds=20)

    begun = Counter(shard.kind for shard in plan.shards()[:40])

    assert {"races": 30, "hostile": 10} == begun
    assert plan == Plan.read(json.loads(json.dumps(plan.document())))


def test_machines_are_saturated_when_nothing_is_new_for_long() -> None:
    """Operations count since the last shard with a new transition; other kinds change nothing."""
    saturation = Saturation(enough=150)
    seen = []
    for operations, transitions in ((100, "ab"), (100, "b"), (0, ""), (60, "ab"), (10, "c")):
        tally = {"operations": operations} if operations else {}
        saturation.add(Result("x", "held", 1, tally=tally, transitions=[*transitions]))
        seen.append(saturation.is_reached)

    assert [False, False, False, True, False] == seen
    assert "3 transitions in 270 operations, none new in the last 0" == saturation.line()


def test_a_campaign_ends_when_machines_are_saturated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machines that are left are not needed: what was tried is all, and the campaign holds."""
    monkeypatch.chdir(ROOT)
    tried = []

    def attempted(shard: Shard, _circumstances: Circumstances) -> Result:
        tried.append(shard.kind)
        done = 40 if shard.kind == "machines" else 0
        return Result(shard.name, "held", 1, tally={"operations": done}, transitions=["a"])

    monkeypatch.setattr(cluster, "attempt", attempted)
    many = ["--kinds", "machines,races", "--seeds", "5", "--parts", "1"]
    command = ["campaign", *many, "--until-saturated", "70", "--ledger", str(tmp_path / "x")]

    assert main(command) == 0
    assert {"machines": 3, "races": 5} == Counter(tried)
    assert "machines: saturated, 2 shards are not needed\n" in capsys.readouterr().out


def test_machines_say_which_transitions_they_saw() -> None:
    """A shard of machines brings digests along that other processes would give, and its tally."""
    arguments = ("-k", "CreditMachine", "--hypothesis-profile", "quick")
    circumstances = Circumstances.of_this_process(arguments)

    first, again = (attempt(Shard("machines", 7, 1, 1), circumstances) for _ in range(2))

    assert "operations" in first.tally, first.failures
    assert len(first.transitions) > 10
    assert (first.tally, first.transitions) == (again.tally, again.transitions)


def test_a_soak_is_a_kind_of_shard() -> None:
    """A shard of soaks is one soak of a seed, as long as the plan says."""
    plan = replace(PLAN, kinds=("soaks",), soak=3)
    (shard,) = plan.shards()[:1]

    result = attempt(shard, Circumstances.of_this_process((), plan.soak))

    assert ("held", {"soaks": 1}) == (result.verdict, result.tally), result.failures
    assert result.seconds >= plan.soak


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Take a port of this machine, as another campaign would; unless somebody has it."""
    with socket.socket() as listening:
        with suppress(OSError):  # somebody has it, which is as good
            listening.bind(("", port))
            listening.listen()
        yield


@contextmanager
def running(*command: str, **options: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; it and all that it started end with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **options},
    ) as process:
        family = psutil.Process(process.pid)
        try:
            yield process
        finally:
            for each in (*family.children(recursive=True), family) if family.is_running() else ():
                each.kill()


def words(process: psutil.Process) -> list[str]:
    """Return the words of a process's command; none of one that has ended meanwhile."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def wait_for_shard(process: subprocess.Popen[str]) -> None:
    """Read the campaign's lines until the first shard has ended."""
    assert process.stdout is not None
    for line in process.stdout:
        if "held" in line:
            return
    pytest.fail(f"no shard has ended: {process.stderr.read() if process.stderr else ''}")


def tried(ledger: Path) -> list[str]:
    """Return the names of the shards in a ledger, in order; one tried twice is there twice."""
    return sorted(json.loads(line)["shard"] for line in ledger.read_text().splitlines()[1:])


NAMES: Final = [f"near-misses/{seed}/1-of-1" for seed in (1, 2, 3, 4)]


def test_a_killed_worker_costs_nothing_but_time(tmp_path: Path) -> None:
    """Of two worker processes one is killed in the middle: every shard is tried, and none twice."""
    ledger = tmp_path / "ledger.jsonl"
    campaign = (
        "conformance",
        "campaign",
        *FEW,
        "--workers",
        "2",
        "--ledger",
        str(ledger),
        *ONE_TEST,
    )
    with taken(DASHBOARD), running(*campaign) as process:
        wait_for_shard(process)
        workers = [
            each
            for each in psutil.Process(process.pid).children(recursive=True)
            if "spawn_main" in " ".join(words(each))
        ]
        workers[0].send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=WAIT)

        assert (0, "") == (process.returncode, without_progress(err))
    assert out.endswith("4 of 4 shards tried, 0 failed\n")
    assert NAMES == tried(ledger)


def test_a_killed_scheduler_loses_nothing(tmp_path: Path) -> None:
    """Where the scheduler is killed, the campaign ends in one message, and goes on without it."""
    ledger, file = tmp_path / "ledger.jsonl", tmp_path / "scheduler.json"
    campaign = ["conformance", "campaign", *FEW, "--ledger", str(ledger)]
    dask = "distributed.cli.dask_"
    with (
        running(
            f"{dask}scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)
        ) as scheduler,
        running(
            f"{dask}worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard"
        ),
    ):
        while not (file.exists() and file.stat().st_size):
            assert scheduler.poll() is None
        address = json.loads(file.read_text())["address"]
        with running(*campaign, "--scheduler", address, *ONE_TEST) as process:
            wait_for_shard(process)
            scheduler.kill()
            _, err = process.communicate(timeout=WAIT)
            assert 1 == process.returncode

    assert without_progress(err).startswith("campaign: the cluster is gone; ")
    assert err.endswith(f"of 4 shards are in {ledger}: go on with --resume\n")
    again = subprocess.run(
        [sys.executable, "-m", *campaign, "--resume", *ONE_TEST],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert again.stdout.endswith("4 of 4 shards tried, 0 failed\n")
    assert NAMES == tried(ledger)
