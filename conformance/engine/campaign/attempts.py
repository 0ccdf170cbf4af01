"""Trying of one shard, in processes of its own, on a server of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from conformance.engine.arguments import schema_and_server
from conformance.engine.campaign.ledger import Result
from conformance.engine.campaign.part import OPTION as PART
from conformance.engine.campaign.shards import MUTANTS, SOAK, SOAKS, SUITE, TESTS, Shard
from conformance.engine.pytest_plugin.regressions import FOLDER as REGRESSIONS
from conformance.engine.pytest_plugin.regressions import OPTION as REGRESSIONS_OPTION
from conformance.engine.seeds import tethered
from conformance.engine.seeds.recorder import OUTCOMES
from framecast_conformance import installed

if TYPE_CHECKING:
    from collections.abc import Sequence

RAN = (0, 1)  # exit codes of a run that came to its end
TAIL = 3  # lines of what was printed last, where it did not
WRONG = frozenset({"broken", "overblocked", "unnamed"})  # unproven is what another part tries


@dataclass(frozen=True)
class Circumstances:
    """Circumstances that all shards of a campaign have in common.

    Attributes:
        folder: where they run; relative paths of arguments are of it.
        arguments: further ones of pytest's.
        environment: variables that a worker on another machine would lack.
        soak: seconds that each soak takes.
    """

    folder: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    soak: int = SOAK

    @classmethod
    def of_this_process(cls, arguments: Sequence[str], soak: int = SOAK) -> Circumstances:
        """Return those of a campaign that is begun here."""
        ours = {name: text for name, text in os.environ.items() if name.startswith("CONFORMANCE_")}
        return cls(str(Path.cwd()), tuple(arguments), tuple(sorted(ours.items())), soak)


def attempt(shard: Shard, circumstances: Circumstances) -> Result:
    """Try a shard, and return what it came to; what went wrong is an `error`."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="conformance-campaign-") as name:
        folder = Path(name)
        trier = {MUTANTS: _mutants, SOAKS: _soak}.get(shard.kind, _tests)
        found = trier(shard, circumstances, folder)
    return Result(shard.name, seconds=round(time.monotonic() - began, 1), worker=_worker(), **found)


def _tests(shard: Shard, circumstances: Circumstances, folder: Path) -> dict[str, Any]:
    outcomes, report, regressions = folder / "outcomes", folder / "report.json", folder / "new"
    regressions.mkdir()
    known = {file.name for file in REGRESSIONS.glob("*.json")}
    code, said = _run(
        [
            *("pytest", *installed.ALONE),
            *(str(SUITE / test) for test in TESTS[shard.kind]),
            *("-p", "conformance.plugin", "-p", "conformance.engine.seeds.recorder"),
            *("-p", "conformance.engine.campaign.part", "-p", "no:cacheprovider", "-n", "0"),
            *(f"{PART}={shard.part}/{shard.parts}", f"--hypothesis-seed={shard.seed}"),
            *(f"--conformance-report={report}", f"{OUTCOMES}={outcomes}"),
            f"{REGRESSIONS_OPTION}={regressions}",
            *circumstances.arguments,
        ],
        circumstances,
    )
    if code not in RAN or not outcomes.is_file() or not report.is_file():
        return {"verdict": "error", "failures": {"pytest": said}}
    found, document = json.loads(outcomes.read_text()), json.loads(report.read_text())
    rules = {
        each["id"]: (each["verdict"], each["accepted"], each["rejected"])
        for each in document["rules"]
        if each["accepted"] or each["rejected"] or each["verdict"] in WRONG
    }
    failures = found["failures"]
    wrong = {rule: verdict for rule, (verdict, *_) in rules.items() if verdict in WRONG}
    return {
        "verdict": "failed" if failures or wrong else "held",
        "counts": found["counts"],
        "rules": rules,
        "failures": {**wrong, **failures},
        "tally": found["tally"],
        "transitions": found["transitions"],
        "regressions": {
            file.name: file.read_text()
            for file in sorted(regressions.glob("*.json"))
            if file.name not in known
        },
    }


def _mutants(shard: Shard, circumstances: Circumstances, folder: Path) -> dict[str, Any]:
    matrix = folder / "matrix.json"
    code, said = _run(
        [
            *("conformance", "mutants", "--workers", "1"),
            *("--part", f"{shard.part}/{shard.parts}", "--json", str(matrix)),
            *schema_and_server(circumstances.arguments),
        ],
        circumstances,
    )
    if code not in RAN or not matrix.is_file():
        return {"verdict": "error", "failures": {"mutants": said}}
    mutants = json.loads(matrix.read_text())["mutants"]
    survived = [each for each in mutants if each["status"] == "survived"]
    failures = {each["id"]: f"survived: {each['change']}" for each in survived}
    if code and not failures:
        failures = {"mutants": said}
    return {
        "verdict": "failed" if failures else "held",
        "counts": dict(Counter(each["status"] for each in mutants)),
        "failures": failures,
    }


def _soak(shard: Shard, circumstances: Circumstances, _folder: Path) -> dict[str, Any]:
    seconds = str(circumstances.soak)
    words = (
        "--seconds",
        seconds,
        "--seed",
        str(shard.seed),
        *schema_and_server(circumstances.arguments),
    )
    code, said = _run(["conformance", "soak", *words], circumstances)
    if code == 0:
        return {"verdict": "held", "tally": {"soaks": 1}}
    return {"verdict": "failed" if code in RAN else "error", "failures": {"soak": said}}


def _run(module: Sequence[str], circumstances: Circumstances) -> tuple[int, str]:
    """Run a module to its end, or until this process is killed; return its code and last lines.

    A run in CI keeps no regressions, for its checkout is thrown away; a shard's are kept by the
    campaign, wherever it runs.
    """
    theirs, ours = os.pipe()
    environment = {**os.environ, **dict(circumstances.environment)}
    environment.pop("CI", None)
    folder = circumstances.folder if Path(circumstances.folder).is_dir() else ""
    try:
        ended = subprocess.run(  # noqa: S603 - our own modules
            [*installed.python(folder), "-m", tethered.NAME, str(theirs), *module],
            check=False,
            cwd=folder or None,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            pass_fds=(theirs,),
        )
    finally:
        os.close(theirs)
        os.close(ours)
    lines = [line for line in ended.stdout.splitlines() if line.strip()]
    return ended.returncode, " / ".join(lines[-TAIL:])


def _worker() -> str:
    try:
        from distributed import get_worker  # noqa: PLC0415 - there without a cluster too

        return str(get_worker().address)
    except (ImportError, ValueError):
        return ""
