"""The designs that are compared: tables, and what enforces at most five active jobs of a team."""

BARE = "bare"

# What follows is run once a design, with DESIGN replaced by its name.

TABLES = """
CREATE SCHEMA DESIGN;
CREATE TABLE DESIGN.teams (id bigint PRIMARY KEY);
CREATE TABLE DESIGN.jobs (
    id bigint PRIMARY KEY,
    team_id bigint NOT NULL REFERENCES DESIGN.teams,
    active boolean NOT NULL DEFAULT TRUE
);
CREATE INDEX ON DESIGN.jobs (team_id) WHERE active;
INSERT INTO DESIGN.teams (id) SELECT generate_series(0, 999);
"""

# What a trigger does after it has locked the team, in one way or another.
COUNT = """
    IF (SELECT count(*) > 5 FROM DESIGN.jobs WHERE team_id = NEW.team_id AND active) THEN
        RAISE check_violation;
    END IF;
    RETURN NULL;
"""

TRIGGER = """
CREATE FUNCTION DESIGN.at_most_five() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN {body}
END $$;
CREATE TRIGGER at_most_five {event} ON DESIGN.jobs
FOR EACH ROW EXECUTE FUNCTION DESIGN.at_most_five();
"""

# The parent keeps the number, and a CHECK bounds it. Both statements of a job write it.
COUNTER = (
    "ALTER TABLE DESIGN.teams ADD active integer NOT NULL DEFAULT 0 CHECK (active <= 5);"
    + TRIGGER.format(
        event="AFTER INSERT OR UPDATE OF active OR DELETE",
        body="""
    UPDATE DESIGN.teams AS t
    SET active = t.active
        + CASE WHEN TG_OP <> 'DELETE' AND NEW.active THEN 1 ELSE 0 END
        - CASE WHEN TG_OP <> 'INSERT' AND OLD.active THEN 1 ELSE 0 END
    WHERE t.id = coalesce(NEW.team_id, OLD.team_id);
    RETURN NULL;
""",
    )
)

# Each active job sits in one of five places. No lock: the unique index decides.
SLOTS = (
    "ALTER TABLE DESIGN.jobs ADD slot smallint NOT NULL CHECK (slot <= 5);"
    "CREATE UNIQUE INDEX ON DESIGN.jobs (team_id, slot) WHERE active;"
    + TRIGGER.format(
        event="BEFORE INSERT",
        body="""
    SELECT min(s) INTO NEW.slot FROM generate_series(1, 6) AS s
    WHERE NOT EXISTS (
        SELECT FROM DESIGN.jobs AS j WHERE j.team_id = NEW.team_id AND j.active AND j.slot = s
    );
    RETURN NEW;
""",
    )
)

# Ours: a row beside the parent is written, then the jobs are counted.
GUARD = (
    "CREATE TABLE DESIGN.guards ("
    "    team_id bigint PRIMARY KEY REFERENCES DESIGN.teams, version bigint NOT NULL DEFAULT 0"
    ") WITH (fillfactor = 50);"
    + TRIGGER.format(
        event="AFTER INSERT",
        body="""
    UPDATE DESIGN.guards SET version = version + 1 WHERE team_id = NEW.team_id;
    IF NOT FOUND THEN
        INSERT INTO DESIGN.guards AS g (team_id) VALUES (NEW.team_id)
        ON CONFLICT (team_id) DO UPDATE SET version = g.version + 1;
    END IF;
"""
        + COUNT,
    )
)

# The parent's row is locked and not written, then the jobs are counted.
ROW_LOCK = TRIGGER.format(
    event="AFTER INSERT",
    body="\n    PERFORM FROM DESIGN.teams WHERE id = NEW.team_id FOR NO KEY UPDATE;" + COUNT,
)

# A lock on the team's number, no row at all.
ADVISORY = TRIGGER.format(
    event="AFTER INSERT",
    body="\n    PERFORM pg_advisory_xact_lock(NEW.team_id);" + COUNT,
)

# What most begin with.
NO_LOCK = TRIGGER.format(event="AFTER INSERT", body=COUNT)

DESIGNS = {
    BARE: "",
    "counter": COUNTER,
    "slots": SLOTS,
    "guard": GUARD,
    "row_lock": ROW_LOCK,
    "advisory": ADVISORY,
    "no_lock": NO_LOCK,
}
