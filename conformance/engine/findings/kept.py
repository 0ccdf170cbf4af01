"""A finding in a file: what was found, and all that decides whether it is found again.

The file is `<id>.json`; `<id>.sql` beside it is the script for psql. An id is the token of the rule
and a digest of how and where it failed: a later run that finds the same writes the same file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from conformance.engine.cases.steps import Step, from_json
from conformance.engine.findings.errors import UnreadableFindingError
from conformance.engine.races.schedule import Schedule
from conformance.engine.report.causes import alike, first_line

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.engine.cases.verdicts import Finding

VERSION = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding as a test saw it.

    Attributes:
        id: the name of its file.
        rule, verdict, expected, observed, script: as `Finding` has them.
        steps: transactions that show it, the last of which failed; () where they cannot.
        path: the write path, or what stands for it in the report.
        file, test: of the test, and its name in it.
        schedule: of a race that shows it; None where it is of one session.
    """

    id: str
    rule: str
    verdict: str
    expected: str
    observed: str
    script: str
    steps: tuple[Step, ...]
    path: str
    file: str
    test: str
    schedule: Schedule | None = None

    @classmethod
    def of(
        cls, finding: Finding, steps: tuple[Step, ...], path: str, place: tuple[Path, str]
    ) -> Seen:
        """Return what was found at a place: the file of a test, and its name in it."""
        file, test = place
        how = (finding.verdict, file.name, test, alike(first_line(finding.observed)))
        digest = sha256("|".join(map(str, how)).encode()).hexdigest()[:8]
        token = finding.rule.lower().replace("-", "_").replace(" ", "_")
        return cls(
            id=f"{token}__{digest}",
            **finding.as_dict(),
            steps=steps,
            path=path,
            file=str(file),
            test=test,
            schedule=finding.schedule,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for travel between processes and for JSON."""
        schedule = {"schedule": self.schedule.as_json()} if self.schedule else {}
        plain = asdict(replace(self, schedule=None))
        del plain["schedule"]
        return {**plain, "steps": [step.as_json() for step in self.steps], **schedule}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Seen:
        """Return it again."""
        steps, schedule = values["steps"], values.get("schedule")
        again = {
            "steps": tuple(map(from_json, steps)),
            "schedule": schedule and Schedule.from_json(schedule),
        }
        return cls(**{**values, **again})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Circumstances of a run, as far as they decide what is found.

    Attributes:
        folder: where it was started.
        migrations: the folder under test.
        domain: the module that was named, or ''.
        role: who wrote; None for the owner.
        major: of the server; None where there was none.
        server: the server in words.
        request: options that named the server, without passwords, as pytest has them.
        options: other options, as pytest has them.
        profile, seed: of Hypothesis.
    """

    folder: str
    migrations: str
    domain: str
    role: str | None
    major: int | None
    server: str
    request: tuple[str, ...]
    options: tuple[str, ...]
    profile: str
    seed: int | str

    def is_alike(self, other: Circumstances) -> bool:
        """Return whether what holds in one run says something of the other."""
        mine, others = (
            (each.migrations, each.domain, each.role, each.major) for each in (self, other)
        )
        return mine == others


@dataclass(frozen=True, slots=True)
class Kept:
    """A finding, the circumstances in which it was last seen, and when it was first and last."""

    seen: Seen
    run: Circumstances
    first: str
    last: str
    place: Path | None = field(default=None, compare=False)

    @property
    def script(self) -> Path | None:
        """The file of the script, where there is one."""
        script = self.place.with_suffix(".sql") if self.place else None
        return script if script is not None and script.exists() else None

    def write(self, folder: Path) -> Path:
        """Write it into a folder, which is made; return the file.

        Raises:
            OSError: The folder cannot be written to.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.seen.id}.json"
        document = {
            "version": VERSION,
            **self.seen.as_dict(),
            "run": asdict(self.run),
            "first": self.first,
            "last": self.last,
        }
        if self.seen.script:
            path.with_suffix(".sql").write_text(self.seen.script, encoding="utf-8")
        else:
            path.with_suffix(".sql").unlink(missing_ok=True)
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def read(path: Path) -> Kept:
    """Read a file.

    Raises:
        UnreadableFindingError: It holds no finding of this version, or cannot be read at all.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = document.pop("version")
        run, first, last = (document.pop(name) for name in ("run", "first", "last"))
        lists = {name: tuple(run[name]) for name in ("request", "options")}
        if version == VERSION:
            seen = Seen.from_dict(document)
            return Kept(seen, Circumstances(**{**run, **lists}), first, last, path)
        message = f"{path}: is of version {version}, not {VERSION}"
    except OSError as error:
        message = f"{path}: {error.strerror}"
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"{path}: holds no finding: {type(error).__name__}: {error}"
    raise UnreadableFindingError(message) from None
