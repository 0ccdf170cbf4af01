"""A run that failed after a setup needs little of it, and shows no more."""

import pytest

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.machines.runner import MachineRunner
from conformance.framecast.operations import jobs

UNGUARDED = """
DO $do$
DECLARE
    v_name name;
BEGIN
    FOR v_name IN
        SELECT tgname FROM pg_trigger
        WHERE tgrelid = 'public.jobs'::regclass AND tgname ~ 'state_job|inv_j' AND tgtype & 16 = 16
    LOOP
        EXECUTE format('DROP TRIGGER %I ON public.jobs', v_name);
    END LOOP;
END;
$do$
"""


def test_what_a_setup_does_is_left_out_too(scratch: Scratch, template: Template) -> None:
    """Of five jobs of a team with credits, the one that moves as it must not is left."""
    with scratch.cloned(template, "setup") as database:
        with database.connect() as connection:
            connection.execute(UNGUARDED.encode())
        with Sandbox(database.conninfo) as sandbox:
            runner = MachineRunner(sandbox)
            run = runner.new_run()
            run.begin("jobs of each kind")
            done = next(job.id for job in run.state.jobs.values() if job.status == "completed")
            with pytest.raises(Finding) as caught:
                run.do(jobs.SAY, {"job": done, "status": "queued"})

            shortest = runner.shortened(caught.value)

    assert ("STATE-JOB", caught.value) == (shortest.rule, shortest)
    assert 1 == shortest.script.count("INSERT INTO public.jobs")
    assert 5 == shortest.script.count("BEGIN;")  # somebody, credits, a job and its two moves
