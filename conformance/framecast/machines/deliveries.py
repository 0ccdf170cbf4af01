"""The machine of webhooks, deliveries, events and usage."""

from __future__ import annotations

from conformance.framecast.machines.machine import Machine, does, in_turn, together
from conformance.framecast.operations import clock, deliveries, events, jobs, memberships, teams


class DeliveryAndEventMachine(Machine):
    """Webhooks are told of jobs, again and again; events are appended and cleaned up."""

    setups = ("deliveries of each kind", "deliveries of each kind", "a team")

    make_webhook = does(deliveries.MAKE)
    give_webhook = does(deliveries.GIVE)
    delete_webhook = does(deliveries.REMOVE)
    queue = does(deliveries.QUEUE)
    try_delivery = does(deliveries.TRY)
    ask_again = does(deliveries.ASK_AGAIN)
    clean_up_deliveries = does(deliveries.CLEAN_UP)
    append_event = does(events.APPEND)
    rewrite_event = does(events.REWRITE)
    delete_event = does(events.REMOVE)
    clean_up_events = does(events.CLEAN_UP)
    open_month = does(events.OPEN)
    roll_up_usage = does(events.ROLL_UP)
    correct_usage = does(events.CORRECT)
    make_job = does(jobs.MAKE)
    cancel_job = does(jobs.CANCEL)
    delete_job = does(jobs.DELETE)
    change_role = does(memberships.CHANGE_ROLE)
    delete_team = does(teams.DELETE)
    let_time_pass = does(clock.PASS)
    append_after_a_loss = in_turn(events.APPEND, events.REMOVE, events.APPEND)
    clean_up_after_a_month = in_turn(clock.AGE, deliveries.CLEAN_UP, events.CLEAN_UP)
    clean_up_what_was_tried = in_turn(
        deliveries.QUEUE, deliveries.TRY, clock.AGE, deliveries.CLEAN_UP
    )
    append_after_a_cleaning = in_turn(events.APPEND, clock.PASS, events.CLEAN_UP, events.APPEND)
    do_together = together(*deliveries.OPERATIONS, *events.OPERATIONS, jobs.MAKE, jobs.DELETE)
