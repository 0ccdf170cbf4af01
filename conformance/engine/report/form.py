"""Types of the report that a run writes; `docs/report.schema.json` is made from them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Counts(TypedDict):
    """Tests of a run, by what became of them."""

    passed: int
    failed: int
    errors: int
    skipped: int
    deselected: int
    not_run: int


class Coverage(TypedDict):
    """Statements of the schema's PL/pgSQL functions, and which of them the run has not reached."""

    statements: int
    reached: int
    missing: list[str]
    without: dict[str, str]


class Commit(TypedDict):
    """Commit of the folder of the migrations."""

    id: str
    dirty: bool


class Path(TypedDict):
    """Counts of a write path, or the reason why it cannot break the rule."""

    reason: NotRequired[str]
    accepted: NotRequired[int]
    rejected: NotRequired[int]
    named: NotRequired[int]
    denied: NotRequired[int]
    withheld: NotRequired[int]


class Place(TypedDict):
    """Line of a migration; `file` is a path as the run was given the folder."""

    file: str
    line: int


class Move(TypedDict):
    """Change of a state; `before` is null where a row begins. `seen` counts it in the run."""

    before: str | None
    after: str
    legal: bool
    seen: int


class Machine(TypedDict):
    """State machine of a rule: its states in their order, and every pair that counts."""

    table: str
    states: list[str]
    moves: list[Move]


class Step(TypedDict):
    """Step of a race: the place of its session, counted from 0, and what that did."""

    session: int
    said: str


class Timeline(TypedDict):
    """Race in the run: its sessions, their steps in order, and what became of each."""

    sessions: list[str]
    steps: list[Step]
    ends: list[str]


class Failure(TypedDict):
    """Failure of a rule, or of what stands in its place; `script` is SQL that shows it."""

    rule: str
    verdict: str
    path: str
    test: str
    expected: str
    observed: str
    script: str
    steps: NotRequired[Any]
    also: NotRequired[list[str]]
    accepted: NotRequired[str]
    finding: NotRequired[str]
    timeline: NotRequired[Timeline]


class Race(TypedDict):
    """Known race: what happens in it, and how it went where its sessions took turns."""

    description: str
    timeline: NotRequired[Timeline]


class Object(TypedDict):
    """Object of the schema under test, and the rules that it serves."""

    kind: Literal["constraint", "index", "trigger", "function", "type"]
    name: str
    on: str
    sql: str
    rules: list[str]
    reason: NotRequired[str]
    place: NotRequired[Place]


class Rule(TypedDict):
    """Rule, its verdict, and what was seen of it."""

    id: str
    statement: str
    holds: str
    kind: NotRequired[str]
    tables: list[str]
    area: NotRequired[str]
    enforced_by: list[str]
    places: NotRequired[dict[str, Place]]
    place: NotRequired[Place]
    verdict: Literal["broken", "overblocked", "unnamed", "unproven", "held", "not run"]
    accepted: int
    rejected: int
    named: int
    denied: NotRequired[int]
    withheld: NotRequired[int]
    paths: dict[str, Path]
    as_role: NotRequired[Path]
    races: NotRequired[list[str]]
    levels: NotRequired[dict[str, dict[str, int]]]
    machine: NotRequired[Machine]
    failures: list[Failure]


class Failed(TypedDict):
    """Test that failed, and the rules that it is part of the proof of."""

    test: str
    when: str
    kind: Literal["finding", "failure", "error"]
    said: str
    rules: list[str]


class Error(TypedDict):
    """Error that ended the run, and the migration that is to blame."""

    said: str
    place: NotRequired[Place]


class Report(TypedDict):
    """Report of a run, version 2."""

    version: Literal[2]
    whole: bool
    selected: NotRequired[list[str]]
    exit_status: int
    begun: str
    seconds: float
    counts: Counts
    server: str | None
    major: int | None
    role: str | None
    profile: str
    seed: int | str
    options: NotRequired[list[str]]
    versions: dict[str, str | None]
    migrations: dict[str, str] | None
    folder: NotRequired[str]
    suite: str
    commit: Commit | None
    errors: NotRequired[list[Error]]
    coverage: NotRequired[Coverage]
    verdicts: dict[str, int]
    rules: list[Rule]
    races: NotRequired[dict[str, Race]]
    objects: NotRequired[list[Object]]
    beside: list[Failure]
    failed: list[Failed]
    missed: list[str]
