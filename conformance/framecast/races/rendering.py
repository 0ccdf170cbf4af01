"""A race that was run, for people: side by side, as psql scripts, and as an isolation test.

The side-by-side form has a column a session and a line a step, in the order in which they ran. The
psql scripts take turns by a sequence, which is no part of any transaction. The isolation test is
for PostgreSQL's own `isolationtester`.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from conformance.engine.cases.attempt import transaction_script
from conformance.engine.cases.verdicts import SEVERAL, Finding
from conformance.engine.races import columns
from conformance.engine.races.schedule import Schedule
from conformance.engine.sql.writes import statements
from conformance.framecast.races.schedule import Reader, Transaction

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.engine.races.trace import Line, Trace
    from conformance.engine.report.form import Timeline
    from conformance.engine.sql.writes import Statement
    from conformance.framecast.races.schedule import Race, Session

SAVED = ".conformance/races"  # where a run keeps the scripts of races that failed
# Steps take turns. Whoever is next lets the one before get to its end, or to its lock. Turns are
# taken on connections of their own: a query in the session would give its transaction a snapshot.
TURNS = """\
DROP SCHEMA IF EXISTS race CASCADE;
CREATE SCHEMA race;
CREATE SEQUENCE race.turn MINVALUE 0 START 0;
SELECT nextval('race.turn');
CREATE FUNCTION race.turn(p_turn bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT last_value FROM race.turn) < p_turn - 1 LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    PERFORM pg_sleep(0.3);
    PERFORM nextval('race.turn');
END;
$$;
"""
RUN = """\
#!/bin/sh
# Runs the race with psql, on the database that PGDATABASE (or DATABASE_URL) names.
cd "$(dirname "$0")" || exit 1
psql -X -q ${{DATABASE_URL:+"$DATABASE_URL"}} -v ON_ERROR_STOP=1 -f setup.sql >/dev/null || exit 1
for session in {sessions}; do
    psql -X -a ${{DATABASE_URL:+"$DATABASE_URL"}} -f "session_$session.sql" \\
        >"session_$session.out" 2>&1 &
done
wait
cat session_?.out
"""
TAKE_TURN = """\
\\! psql -X -q ${{DATABASE_URL:+"$DATABASE_URL"}} -c 'SELECT race.turn({turn})' >/dev/null
"""
QUOTED = re.compile(r"(E?)'((?:[^']|'')*)'")


def timeline(race: Race, trace: Trace) -> Timeline:
    """Return who did what in a race, as a report has it."""
    ends = sorted(trace.outcomes.items())
    return {
        "sessions": [_title(each) for each in race.sessions],
        "steps": [
            {"session": line.session, "said": _told(race, trace, line)} for line in trace.lines
        ],
        "ends": [f"{race.sessions[at].name}: {outcome}" for at, outcome in ends],
    }


def side_by_side(race: Race, trace: Trace, most: int = 0) -> str:
    """Return the race with a column a session and a line a step.

    Args:
        race: what the sessions do.
        trace: what became of it.
        most: how wide the table may be, where its columns are not narrow yet; 0 for any width.
    """
    seen = timeline(race, trace)
    steps = ((step["session"], step["said"]) for step in seen["steps"])
    lines = [*columns.drawn(seen["sessions"], steps, most), *seen["ends"]]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def told(finding: Finding, race: Race, trace: Trace) -> Finding:
    """Return a finding with the race as a comment, and its start as psql reads it."""
    lines = [
        "begin from what is below, and do as follows. A script of each for psql is kept in",
        f"{SAVED}/{name_of(finding.rule, race, trace)}, and run.sh, which runs them:",
        *side_by_side(race, trace).splitlines(),
    ]
    shown = f"{SEVERAL}\n" + "".join(f"-- {line}\n" for line in lines)
    drawn = Finding(
        finding.rule,
        finding.verdict,
        expected=finding.expected,
        observed=finding.observed,
        script=f"{shown}{_start(race)}",
        steps=(),
    )
    drawn.timeline = timeline(race, trace)
    setup = (each.sql for each in _before(race))
    drawn.schedule = Schedule.of(setup, map(_title, race.sessions), trace)
    return drawn


def name_of(rule: str, race: Race, trace: Trace) -> str:
    """Return the name of the folder of a race in which a rule failed."""
    digest = sha256(f"{side_by_side(race, trace)}{_start(race)}".encode()).hexdigest()[:8]
    return f"{rule.lower().replace('-', '_').replace(' ', '_')}_{digest}"


def psql_scripts(race: Race, trace: Trace) -> dict[str, str]:
    """Return files by name: what sets the race up, each session, and what runs them all."""
    files = {"setup.sql": _start(race) + TURNS, "race.txt": side_by_side(race, trace)}
    bodies: dict[int, list[str]] = {place: [] for place in range(len(race.sessions))}
    at = [0] * len(race.sessions)
    for turn, place in enumerate(trace.order, 1):
        name, sql = trace.scripts[place][at[place]]
        at[place] += 1
        bodies[place] += [f"-- {name}", TAKE_TURN.format(turn=turn).rstrip(), f"{sql};"]
    for place, body in bodies.items():
        if place in trace.outcomes and place not in trace.committed:
            body.append("ROLLBACK;")
        files[f"session_{place + 1}.sql"] = "\n".join(
            [f"-- {_title(race.sessions[place])}", *body, ""]
        )
    numbers = " ".join(str(place + 1) for place in bodies)
    files["run.sh"] = RUN.format(sessions=numbers)
    return files


def isolation_spec(race: Race, trace: Trace) -> str:
    """Return the race for PostgreSQL's isolationtester, on a database with the schema."""
    parts = [f"# {line}\n" for line in side_by_side(race, trace).splitlines()]
    parts.append(f"\nsetup\n{{\n{_without_braces(_start(race))}}}\n")
    at = [0] * len(race.sessions)
    order = []
    for place in trace.order:
        at[place] += 1
        order.append(f"s{place + 1}_{at[place]}")
    for place, session in enumerate(race.sessions):
        parts.append(f"\n# {_title(session)}\nsession s{place + 1}\n")
        for number, (name, sql) in enumerate(trace.scripts[place][: at[place]], 1):
            parts.append(f"# {name}\nstep s{place + 1}_{number} {{\n{_without_braces(sql)};\n}}\n")
        if place in trace.outcomes and place not in trace.committed:
            parts.append("teardown { ROLLBACK; }\n")
    parts.append(f"\npermutation {' '.join(order)}\n")
    return "".join(parts)


def save(race: Race, trace: Trace, folder: Path) -> None:
    """Write all forms into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {**psql_scripts(race, trace), "race.spec": isolation_spec(race, trace)}
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "run.sh").chmod(0o755)


def _start(race: Race) -> str:
    body = _before(race)
    return f"-- {race.start.name}\n{transaction_script(body)}" if body else "-- nothing before\n"


def _before(race: Race) -> list[Statement]:
    return [each for write in race.start.writes for each in statements(write)]


def _title(session: Session) -> str:
    if isinstance(session, Transaction):
        return f"{session.name} ({session.level})"
    return f"{session.name} (looks)"


def _told(race: Race, trace: Trace, line: Line) -> str:
    session = race.sessions[line.session]
    if isinstance(session, Reader) and not (line.waits_for or line.outcome):
        looks = [
            each for each in trace.lines if each.session == line.session and not each.waits_for
        ]
        return f"looks: {trace.looks[line.session][looks.index(line)]}"
    return columns.said(trace, line, [each.name for each in race.sessions])


def _without_braces(sql: str) -> str:
    """Return the same SQL with no brace in it: a spec's block ends at the first one."""

    def escaped(match: re.Match[str]) -> str:
        kind, text = match.groups()
        if "{" not in text and "}" not in text:
            return match.group(0)
        if not kind:
            text = text.replace("\\", "\\\\")
        return " E'" + text.replace("{", "\\x7b").replace("}", "\\x7d") + "'"

    return QUOTED.sub(escaped, sql)
