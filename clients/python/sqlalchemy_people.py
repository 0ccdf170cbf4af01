"""Accounts, teams and invitations with SQLAlchemy's ORM, by either driver."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clients.python.serving import WHO
from clients.python.sqlalchemy_models import (
    Invitations,
    MembershipRole,
    Memberships,
    Teams,
    Users,
    UserTier,
)


def sign_up(session: Session) -> None:
    session.add(Users(email="new@x.io", name="New"))


def sign_up_by_a_clock_ahead(session: Session) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=1)
    session.add(Users(email="new@x.io", created_at=ahead))


def sign_up_with_no_address(session: Session) -> None:
    session.add(Users(email="nobody"))


def upgrade(session: Session) -> None:
    user = session.get_one(Users, WHO["sam"], with_for_update=True)
    user.tier = UserTier.CREATOR
    user.upgraded_at = func.now()
    team = Teams(name="Sam's team")
    team.memberships.append(Memberships(user=user, role=MembershipRole.OWNER))
    session.add(team)


def invite(session: Session) -> None:
    session.add(
        Invitations(
            team_id=WHO["harbour"],
            invited_by=WHO["ada"],
            email="new@x.io",
            role="admin",
            token="to new",
        )
    )


def invite_oneself(session: Session) -> None:
    session.add(
        Invitations(team_id=WHO["harbour"], invited_by=WHO["ada"], email="ADA@x.io", token="to ada")
    )


def accepted(session: Session, user: Users, name: str) -> None:
    letter = session.get_one(Invitations, WHO[name])
    session.get_one(Teams, letter.team_id, with_for_update={"key_share": True, "read": True})
    letter.accepted_at = func.clock_timestamp()
    session.flush()  # the invitation before the membership; an error, if it is gone
    session.add(Memberships(team_id=letter.team_id, user_id=user.id, role=letter.role.value))


def accept(session: Session) -> None:
    user = session.get_one(Users, WHO["dan"], with_for_update={"key_share": True})
    accepted(session, user, "letter_to_dan")


def accept_what_was_revoked(session: Session) -> None:
    user = session.get_one(Users, WHO["dan"], with_for_update={"key_share": True})
    accepted(session, user, "revoked_letter")


def accept_as_a_starter(session: Session) -> None:
    user = session.get_one(Users, WHO["eve"], with_for_update=True)
    user.tier = UserTier.CREATOR
    user.upgraded_at = func.now()
    session.flush()
    accepted(session, user, "letter_to_eve")


def hand_over(session: Session) -> None:
    both = select(Memberships).where(
        Memberships.team_id == WHO["harbour"], Memberships.user_id.in_([WHO["ada"], WHO["cleo"]])
    )
    found = session.scalars(both.order_by(Memberships.id).with_for_update(key_share=True))
    for membership in found:  # written in the order of their ids by the flush
        is_heir = membership.user_id == WHO["cleo"]
        membership.role = MembershipRole.OWNER if is_heir else MembershipRole.ADMIN


def membership_of(session: Session, name: str) -> Memberships:
    return session.scalars(
        select(Memberships).where(
            Memberships.team_id == WHO["harbour"], Memberships.user_id == WHO[name]
        )
    ).one()


def leave(session: Session) -> None:
    session.delete(membership_of(session, "ben"))


def leave_the_only_team(session: Session) -> None:
    user = session.get_one(Users, WHO["cleo"], with_for_update={"key_share": True})
    session.delete(membership_of(session, "cleo"))
    session.flush()  # a session writes what is new before what goes
    team = Teams(name="Own")
    team.memberships.append(Memberships(user=user, role=MembershipRole.OWNER))
    session.add(team)


def leave_as_the_last_owner(session: Session) -> None:
    session.delete(membership_of(session, "ada"))
