"""``python -m conformance seeds N``: the suite under N seeds of its own, a line each.

Tests that draw nothing say the same under every seed, so that they run under the first alone. What
was found is kept in a folder: ``runs.jsonl`` with a line a seed, and of each seed that failed the
log, the report and new regressions. Whoever names the first seed again goes on where it was ended.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import conformance
from conformance.engine.arguments import migrations_of, positive
from conformance.engine.console import say, sentence
from conformance.engine.domain.chosen import domain_folders
from conformance.engine.ending import deaf
from conformance.engine.progress import Progress, Watch
from conformance.engine.seeds import tethered
from framecast_conformance import installed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from conformance.engine.progress import Say

SUITE = Path(conformance.__file__).parent
KEPT = Path(".conformance", "seeds")
LINES = "runs.jsonl"
RAN = (0, 1)  # pytest's exit codes of a run that came to its end
BEGAN_NOT = (4, 5)  # of one that was asked for what there is not
INTERRUPTED = 2
BETWEEN = 0.5  # seconds between two looks at how far a run has come
TAIL = 3  # lines of what a run printed last, where it did not begin


class SeedsError(Exception):
    """The suite does not run at all, whatever the seed."""


@dataclass(frozen=True)
class Result:
    """Result of the run under one seed.

    Attributes:
        seed: what Hypothesis was given.
        verdict: `held`, `failed`, or `error` where the run did not come to its end.
        whole: whether the tests that draw nothing ran too.
        passed: how many tests passed.
        failed: how many failed.
        errors: how many could not run.
        seconds: how long it took.
        failures: by test, the first line of what it said.
        log: the file with all that was printed, where it did not hold.
    """

    seed: int
    verdict: str
    whole: bool
    passed: int
    failed: int
    errors: int
    seconds: float
    failures: Mapping[str, str] = field(default_factory=dict)
    log: str = ""

    def line(self) -> str:
        """Return it on one line, all failures included."""
        counts = f"{self.passed} passed, {self.failed} failed"
        counts += f", {self.errors} errors" if self.errors else ""
        found = "; ".join(
            f"{said} ({test.rpartition('/')[2]})" for test, said in self.failures.items()
        )
        text = f"{self.seed:<10}  {self.verdict:<6}  {counts:<24} {self.seconds:>6.0f} s"
        return "  ".join([text, *([found] if found else []), *([self.log] if self.log else [])])


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "run the suite under many seeds, and say what each has found"
    parser = commands.add_parser(
        "seeds",
        help=summary,
        description=f"{sentence(summary)} Further arguments are pytest's.",
        allow_abbrev=False,
    )
    parser.add_argument("count", metavar="N", type=positive, help="how many seeds")
    parser.add_argument(
        "--first",
        metavar="SEED",
        type=int,
        help="the first of them; the others follow it (default: another one each time, shown)",
    )
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        help=f"keep what is found here (default: a folder in {KEPT})",
    )
    parser.set_defaults(run=run, further=True, undone="")


def run(options: argparse.Namespace) -> int:
    """Run the suite under each seed; return 0 only if it held under all.

    Raises:
        SeedsError: pytest refuses what it was asked for.
    """
    # With Hypothesis, which no other command waits for.
    from conformance.engine.pytest_plugin import profiles  # noqa: PLC0415 - as said

    arguments: Sequence[str] = options.arguments
    first = profiles.new_seed() if options.first is None else options.first
    folder = options.folder or KEPT / _key(arguments)
    folder.mkdir(parents=True, exist_ok=True)
    further = shlex.join(["--first", str(first), *arguments])
    say(f"{options.count} seeds, kept in {folder}; to go on: {options.count} {further}")
    before = dict(_read(folder / LINES))
    bad = 0
    with Progress() as show:
        for done, seed in enumerate(range(first, first + options.count)):
            result = before.get(seed)
            if result is None:
                tell = partial(_show, show, seed, done, options.count)
                result = _run(seed, folder, arguments, tell, whole=seed == first)
                _append(folder / LINES, result)
            say(result.line())
            show("seeds", done + 1, options.count)
            bad += result.verdict != "held"
    say(f"{options.count - bad} of {options.count} seeds held")
    return int(bad > 0)


def _show(say: Say, seed: int, before: int, seeds: int, what: str, *share: float) -> None:
    """Show how much of all seeds is done, as far as that of one is known."""
    done, total, *_ = share
    say(f"seed {seed}, {done:g} of {total:g} {what}; seeds", round(before + done / total, 2), seeds)


def _run(seed: int, folder: Path, arguments: Sequence[str], say: Say, *, whole: bool) -> Result:
    from conformance.engine.pytest_plugin import regressions as kept  # noqa: PLC0415 - as above
    from conformance.engine.seeds.recorder import DRAWN_ONLY, OUTCOMES  # noqa: PLC0415 - as above

    log, report, outcomes, counted = (
        folder / f"{seed}.{kind}" for kind in ("log", "json", "outcomes", "counted")
    )
    regressions = folder / f"{seed}.regressions"
    regressions.mkdir(exist_ok=True)
    if whole:  # they are tried like the rest; what is new stays here
        for file in kept.FOLDER.glob("*.json"):
            (regressions / file.name).write_bytes(file.read_bytes())
    began = time.monotonic()
    command = [
        *("pytest", *installed.ALONE, str(SUITE), "-p", "conformance.plugin"),
        *("-p", "conformance.engine.seeds.recorder", "-p", "no:cacheprovider"),
        *("-p", "conformance.engine.gate.outcomes", f"--gate-progress={counted}"),
        *(f"--hypothesis-seed={seed}", f"--conformance-report={report}"),
        *(f"{OUTCOMES}={outcomes}", f"{kept.OPTION}={regressions}"),
        *([] if whole else [DRAWN_ONLY]),
        *arguments,
    ]
    try:
        code = _pytest(command, log, Watch(counted, say))
    finally:
        counted.unlink(missing_ok=True)
    seconds = round(time.monotonic() - began, 1)
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code in BEGAN_NOT:
        said = [line for line in log.read_text().splitlines() if line.strip()]
        raise SeedsError(" / ".join(said[-TAIL:]))
    found = json.loads(outcomes.read_text()) if outcomes.is_file() else {}
    counts, failures = found.get("counts", {}), found.get("failures", {})
    verdict = ("held", "failed")[code] if found and code in RAN else "error"
    outcomes.unlink(missing_ok=True)
    if verdict == "held":
        _remove(log, report, regressions)
    return Result(
        seed,
        verdict,
        whole,
        counts.get("passed", 0),
        counts.get("failed", 0),
        counts.get("error", 0),
        seconds,
        failures,
        "" if verdict == "held" else str(log),
    )


def _pytest(command: Sequence[str], log: Path, tick: Callable[[], None]) -> int:
    """Run pytest, and return its exit code; whatever ends us lets it clean up behind itself.

    It has a session of its own, so that Ctrl-C reaches it once, and a pipe that we hold: where it
    closes, because we were killed, pytest interrupts itself.
    """
    theirs, ours = os.pipe()
    try:
        with (
            log.open("w") as output,
            subprocess.Popen(  # noqa: S603 - pytest, on this suite
                [*installed.python(), "-m", tethered.NAME, str(theirs), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(theirs,),
            ) as process,
        ):
            try:
                while True:
                    try:
                        return process.wait(BETWEEN)
                    except subprocess.TimeoutExpired:
                        tick()
            except KeyboardInterrupt:
                with deaf():
                    process.send_signal(signal.SIGINT)
                    process.wait()
                raise
    finally:
        os.close(theirs)
        os.close(ours)


def _remove(log: Path, report: Path, regressions: Path) -> None:
    log.unlink()
    report.unlink(missing_ok=True)
    for file in regressions.iterdir():
        file.unlink()
    regressions.rmdir()


def _read(path: Path) -> Iterator[tuple[int, Result]]:
    """Return the seeds that have run before; a line that was cut off has not."""
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            result = Result(**json.loads(line))
        except (json.JSONDecodeError, TypeError):
            continue
        yield result.seed, result


def _append(path: Path, result: Result) -> None:
    """Add a line, after whatever a run that was killed has written of one."""
    torn = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("a") as lines:
        lines.write(("\n" if torn else "") + json.dumps(asdict(result)) + "\n")


def _key(arguments: Sequence[str]) -> str:
    """Return what tells apart runs of other code, other migrations or other arguments."""
    key = hashlib.sha256(repr(arguments).encode())
    for name, value in sorted(os.environ.items()):
        if name.startswith("CONFORMANCE_"):
            key.update(f"{name}={value}".encode())
    for folder in (SUITE, *domain_folders(), migrations_of(arguments)):
        for path in sorted((*folder.rglob("*.py"), *folder.rglob("*.sql"))):
            key.update(path.read_bytes())
    return key.hexdigest()[:12]
