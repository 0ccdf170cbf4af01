"""Faults planted in a schema that only sequences of operations find, and the machines that do."""

from typing import NamedTuple

from conformance.framecast.machines.deliveries import DeliveryAndEventMachine
from conformance.framecast.machines.jobs import CreditMachine, JobMachine, ProjectMachine
from conformance.framecast.machines.keys import KeyAndAssetMachine
from conformance.framecast.machines.machine import Machine

# Edits a function where it stands, and fails where there is nothing to edit.
EDIT = """
DO $do$
DECLARE
    v_is text := pg_get_functiondef('{function}'::regprocedure);
    v_will_be text := replace(v_is, $old${old}$old$, $new${new}$new$);
BEGIN
    ASSERT v_is <> v_will_be, 'the planted fault does not fit the schema any more';
    EXECUTE v_will_be;
END;
$do$;
"""


def edit(function: str, old: str, new: str) -> str:
    """Return SQL that replaces a text within a trigger function, or one with its signature."""
    signature = function if "(" in function else f"framecast.{function}()"
    return EDIT.format(function=signature, old=old, new=new)


# A second refund of a failed job is not measured against the charge.
REFUND_GROWS = """
ALTER TABLE public.jobs DROP CONSTRAINT inv_j8__jobs_refund_within_charge;
CREATE FUNCTION framecast.tg_jobs__refund_within_charge() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM framecast.reject(
        'inv_j8__jobs_refund_within_charge', 'jobs', 'too much', 'too much', 'refund less'
    );
    RETURN NULL;
END;
$$;
CREATE TRIGGER _300_inv_j8__new AFTER INSERT ON public.jobs
FOR EACH ROW WHEN (new.credits_refunded > new.credits_charged)
EXECUTE FUNCTION framecast.tg_jobs__refund_within_charge();
CREATE TRIGGER _300_inv_j8__old AFTER UPDATE ON public.jobs
FOR EACH ROW WHEN (
    new.credits_refunded > new.credits_charged
    AND NOT (old.status = 'failed' AND old.credits_refunded > 0)
)
EXECUTE FUNCTION framecast.tg_jobs__refund_within_charge();
"""
# The counter is not asked, so what was cleaned up is forgotten.
NUMBER_REUSED = edit("tg_job_events__number", "v_last, (SELECT", "0, (SELECT")
# A job that is canceled while it is processing leaves its project behind.
PROJECT_STUCK = edit(
    "tg_jobs__move_project",
    "IF TG_OP = 'UPDATE' AND (",
    "IF TG_OP = 'UPDATE' AND (OLD.status = 'processing' AND NEW.status = 'canceled' OR ",
)
# Keys of the team, unlike those of the member, outlive the membership.
KEY_ALIVE = "ALTER TABLE public.api_keys DROP CONSTRAINT role_2__api_keys_maker_in_team;" + edit(
    "tg_memberships__revoke_keys", ", k.live_shared_team_id", ""
)
# The new job is already among those that are counted.
CAP_COUNTS_ITSELF = edit("tg_jobs__may_be_made", "OFFSET 5", "OFFSET 4")

# Clean-ups that pass over rows of one kind.
FAILURES_KEPT = edit(
    "public.delete_old_job_events(integer)",
    "WHERE o.created_at",
    "WHERE o.event_type <> 'failed' AND o.created_at",
)
TRIED_KEPT = edit(
    "public.delete_old_webhook_deliveries(integer)",
    "WHERE o.created_at",
    "WHERE o.status <> 'failed' AND o.created_at",
)


class Planted(NamedTuple):
    """SQL that plants a fault, the machine that finds it, and the rules that it names."""

    sql: str
    machine: type[Machine]
    rules: set[str]


FAULTS = {
    "refund grows": Planted(REFUND_GROWS, CreditMachine, {"INV-J8"}),
    "number reused": Planted(NUMBER_REUSED, DeliveryAndEventMachine, {"SEQ-1"}),
    "project stuck": Planted(PROJECT_STUCK, ProjectMachine, {"INV-P5"}),
    "key alive": Planted(KEY_ALIVE, KeyAndAssetMachine, {"AUTO-REVOKE"}),
    "failures kept": Planted(FAILURES_KEPT, DeliveryAndEventMachine, {"RET-1"}),
    "tried kept": Planted(TRIED_KEPT, DeliveryAndEventMachine, {"RET-1"}),
    "cap counts itself": Planted(CAP_COUNTS_ITSELF, JobMachine, {"CARD-5"}),
}
