"""The machines of jobs, of projects, and of the credits that they cost."""

from __future__ import annotations

from conformance.framecast.machines.machine import Machine, does, in_turn, together
from conformance.framecast.operations import (
    clock,
    credit,
    events,
    jobs,
    memberships,
    projects,
    teams,
    users,
)


class JobMachine(Machine):
    """Jobs are made for users, teams and members, move on, end in every way, and are cloned."""

    setups = ("a team", "jobs of each kind", "jobs of each kind", "four active jobs")

    sign_up = does(users.SIGN_UP)
    upgrade = does(users.UPGRADE)
    change_role = does(memberships.CHANGE_ROLE)
    leave = does(memberships.LEAVE)
    delete_team = does(teams.DELETE)
    make_project = does(projects.MAKE)
    make = does(jobs.MAKE)
    start = does(jobs.START)
    complete = does(jobs.COMPLETE)
    fail = does(jobs.FAIL)
    cancel = does(jobs.CANCEL)
    say = does(jobs.SAY)
    progress = does(jobs.PROGRESS)
    move = does(jobs.MOVE)
    give = does(jobs.GIVE)
    clone = does(jobs.CLONE)
    delete = does(jobs.DELETE)
    append_event = does(events.APPEND)
    let_time_pass = does(clock.PASS)
    make_another = in_turn(jobs.MAKE, jobs.CLONE)
    make_another_as_somebody_else = in_turn(jobs.MAKE, memberships.CHANGE_ROLE, jobs.MAKE)
    make_room = in_turn(jobs.CANCEL, jobs.MAKE, jobs.CLONE)
    do_together = together(*jobs.OPERATIONS, memberships.LEAVE, events.APPEND)


class ProjectMachine(Machine):
    """Projects are made, render, are archived and deleted, and their jobs move them."""

    setups = ("projects of each kind", "four active jobs", "a team")

    make = does(projects.MAKE)
    edit = does(projects.EDIT)
    archive = does(projects.ARCHIVE)
    unarchive = does(projects.UNARCHIVE)
    say = does(projects.SAY)
    change_team = does(projects.CHANGE_TEAM)
    delete = does(projects.DELETE)
    delete_team = does(teams.DELETE)
    change_role = does(memberships.CHANGE_ROLE)
    render = does(jobs.RENDER)
    make_job = does(jobs.MAKE)
    start = does(jobs.START)
    complete = does(jobs.COMPLETE)
    fail = does(jobs.FAIL)
    cancel = does(jobs.CANCEL)
    delete_job = does(jobs.DELETE)
    clone = does(jobs.CLONE)
    render_in_vain = in_turn(jobs.RENDER, jobs.START, jobs.CANCEL)
    stop_halfway = in_turn(jobs.START, jobs.CANCEL)
    make_another_as_somebody_else = in_turn(projects.MAKE, memberships.CHANGE_ROLE, projects.MAKE)
    render_again = in_turn(jobs.RENDER, jobs.START, jobs.COMPLETE, jobs.RENDER)
    do_together = together(
        *projects.OPERATIONS, jobs.RENDER, jobs.START, jobs.COMPLETE, jobs.CANCEL
    )


class CreditMachine(Machine):
    """Credits are granted and spent down to zero; jobs charge them and give them back."""

    setups = ("a team", "jobs of each kind")

    grant = does(credit.GRANT)
    spend = does(credit.SPEND)
    refund = does(credit.REFUND)
    charge = does(credit.CHARGE)
    make_job = does(jobs.MAKE)
    start = does(jobs.START)
    complete = does(jobs.COMPLETE)
    fail = does(jobs.FAIL)
    say_job = does(jobs.SAY)
    cancel = does(jobs.CANCEL)
    delete_team = does(teams.DELETE)
    refund_twice = in_turn(credit.REFUND, credit.REFUND)
    refund_a_failure_twice = in_turn(jobs.MAKE, jobs.START, jobs.FAIL, credit.REFUND, credit.REFUND)
    do_together = together(
        *credit.OPERATIONS, jobs.MAKE, jobs.START, jobs.COMPLETE, jobs.FAIL, jobs.CANCEL
    )
