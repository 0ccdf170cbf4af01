"""Races of a long transaction: it began before a row was inserted, and is the one to update it."""

from __future__ import annotations

from conformance.framecast.known_races.definition import FIRST, RaceSetup, does, known_race
from conformance.framecast.operations import (
    assets,
    credit,
    deliveries,
    jobs,
    projects,
    teams,
    users,
)


@known_race(
    "INV-J10", "INV-TIME1", "INV-TIME2", "INV-TIME3", "INV-J2", invariant="no time goes back"
)
def job_taken_by_who_began_before(setup: RaceSetup) -> None:
    """A worker that began before a job was made takes it and completes it."""
    ann, team = setup.given.creator()
    setup.session(
        "ann",
        does(jobs.MAKE, by=(ann, team, None), project=None, charge=0, key=None, status="queued"),
    )
    setup.session(
        "worker",
        does(jobs.START, job=FIRST),
        does(jobs.COMPLETE, job=FIRST, lacking="nothing"),
        early=True,
        knows=("ann",),
    )


@known_race("INV-P4", "INV-TIME1", invariant="no time goes back")
def project_archived_by_who_began_before(setup: RaceSetup) -> None:
    """A user who began before a project was made archives it."""
    ann, team = setup.given.creator()
    setup.session("ann", does(projects.MAKE, by=(ann, team), status="draft"))
    setup.session("bob", does(projects.ARCHIVE, project=FIRST), early=True, knows=("ann",))


@known_race("INV-T5", "INV-TIME1", invariant="no time goes back")
def team_paid_by_who_began_before(setup: RaceSetup) -> None:
    """Billing that began before a team was founded gives it credits."""
    ann, _ = setup.given.creator()
    setup.session("ann", does(teams.FOUND, user=ann, slug="given", owned=True))
    setup.session(
        "billing", does(credit.GRANT, payer=("teams", FIRST), amount=1), early=True, knows=("ann",)
    )


@known_race("INV-TIME1", invariant="no time goes back")
def user_upgraded_by_who_began_before(setup: RaceSetup) -> None:
    """Billing that began before a user signed up makes the user a creator."""
    setup.session("eve", does(users.SIGN_UP, email="eve@example.com"))
    setup.session(
        "billing",
        does(users.UPGRADE, user=FIRST, stamp=True, team=True),
        early=True,
        knows=("eve",),
    )


@known_race("INV-TIME1", invariant="no time goes back")
def asset_ended_by_who_began_before(setup: RaceSetup) -> None:
    """A worker that began before an asset was announced says that it is ready."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    setup.session(
        "eve",
        does(assets.ANNOUNCE, by=(eve, None, eve), project=None, amiss="nothing", status="pending"),
    )
    setup.session(
        "worker", does(assets.SAY, asset=FIRST, status="ready"), early=True, knows=("eve",)
    )


@known_race("INV-TIME1", invariant="no time goes back")
def webhook_given_away_by_who_began_before(setup: RaceSetup) -> None:
    """An owner who began before a webhook was made gives it to another owner."""
    ann, team = setup.given.creator()
    setup.session("ann", does(deliveries.MAKE, by=(ann, team), url="https", events="one"))
    setup.session("bob", does(deliveries.GIVE, webhook=FIRST, user=ann), early=True, knows=("ann",))


KNOWN_RACES = (
    job_taken_by_who_began_before,
    project_archived_by_who_began_before,
    team_paid_by_who_began_before,
    user_upgraded_by_who_began_before,
    asset_ended_by_who_began_before,
    webhook_given_away_by_who_began_before,
)
