"""Rules of invitations."""

from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.check import Check
from conformance.engine.kinds.keys import References
from conformance.engine.kinds.transitions import Transitions, legal
from conformance.framecast.model import judgements
from conformance.framecast.rules.rule import Holds, Rule

_OPEN = "i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > clock_timestamp()"

RULES = (
    Rule.of(
        "INV-I1",
        "an invitation names a team and an email",
        Check("invitations", "team_id IS NULL OR email IS NULL"),
        ("inv_i1__invitations_names_team_and_email",),
    ),
    Rule.of(
        "INV-I2",
        "its role is admin, member or viewer: nobody is invited as owner",
        Check("invitations", "(role IN ('admin', 'member', 'viewer')) IS NOT TRUE"),
        ("type invitation_role",),
    ),
    Rule.of(
        "INV-I3",
        "an accepted invitation is not revoked",
        Check(
            "invitations",
            "accepted_at IS NOT NULL AND revoked_at IS NOT NULL",
            lambda i: i.accepted is not None and i.revoked is not None,
        ),
        ("inv_i3__invitations_not_accepted_and_revoked",),
    ),
    Rule.of(
        "INV-I4",
        "a revoked invitation is not accepted",
        Check(
            "invitations",
            "accepted_at IS NOT NULL AND revoked_at IS NOT NULL",
            lambda i: i.accepted is not None and i.revoked is not None,
        ),
        ("inv_i3__invitations_not_accepted_and_revoked",),
    ),
    Rule.of(
        "INV-I5",
        "its team exists",
        References("invitations", "team_id", "teams", "team", null=False),
        ("inv_i5__invitations_team_exists",),
    ),
    Rule.of(
        "INV-I6",
        "its inviter exists",
        References("invitations", "invited_by", "users", "inviter"),
        ("inv_i6__invitations_inviter_exists",),
    ),
    Rule(
        "INV-I7",
        "nobody invites their own email",
        ("invitations", "users"),
        Holds.ALWAYS,
        ("inv_i7__invitations_not_to_inviter", "inv_i7__users_email_not_invited_by_itself"),
        "SELECT i.id::text FROM invitations i JOIN users u ON u.id = i.invited_by"
        " WHERE upper(u.email) = upper(i.email)",
        model=judgements.invites_self,
    ),
    Rule(
        "INV-I8",
        "there is no open invitation for somebody who is in that team",
        ("invitations", "memberships", "users"),
        Holds.ALWAYS,
        (
            "inv_i8__invitations_none_open_for_member",
            "inv_i8__memberships_without_open_invitation",
            "inv_i8__users_email_not_invited_to_own_team",
            "inv_i8__users_new_not_invited_to_own_team",
        ),
        "SELECT i.id::text FROM invitations i JOIN memberships m ON m.team_id = i.team_id"
        f" JOIN users u ON u.id = m.user_id WHERE upper(u.email) = upper(i.email) AND {_OPEN}",
        model=judgements.invites_members,
        locks=True,
    ),
    Rule.of(
        "INV-I9",
        "it expires after it was created",
        Check("invitations", "expires_at <= created_at", lambda i: i.expires <= i.created),
        ("inv_i9__invitations_expires_after_created",),
    ),
    Rule.of(
        "INV-TIME4",
        "an invitation expires after it was created",
        Check("invitations", "expires_at <= created_at", lambda i: i.expires <= i.created),
        ("inv_i9__invitations_expires_after_created",),
    ),
    Rule.of(
        "INV-TIME5",
        "it is accepted after it was created",
        Check("invitations", "accepted_at <= created_at"),
        ("inv_time5__invitations_accepted_after_created",),
    ),
    Rule.of(
        "CARD-4",
        "a team has at most 50 open invitations",
        AtMost(
            50,
            "invitations i",
            per="i.team_id",
            where=_OPEN,
            counted=lambda state: (
                i.team for i in state.invitations.values() if i.is_open(state.day)
            ),
        ),
        ("card_4__invitations_team_has_at_most_50_open",),
    ),
    Rule.of(
        "STATE-INVITATION",
        "an invitation is inserted open. transition: accepted and revoked are final; only an"
        " open one is accepted",
        Transitions(
            "invitations",
            ("open", "accepted", "revoked", "expired"),
            # To expire is the clock's to do; an invitation may be extended, even an expired one.
            legal(">open open>accepted open>revoked open>expired expired>open expired>revoked"),
            again=frozenset({"accepted", "revoked"}),
            never=legal("accepted>expired revoked>expired"),  # what is answered does not expire
            column="",
            also="op = 'INSERT' AND (new ->> 'accepted_at' IS NOT NULL"
            " OR new ->> 'revoked_at' IS NOT NULL OR (new ->> 'expires_at')::timestamptz <= c.at)"
            " OR op = 'UPDATE' AND (old ->> 'accepted_at' <> coalesce(new ->> 'accepted_at', '')"
            " OR old ->> 'revoked_at' <> coalesce(new ->> 'revoked_at', '')"
            " OR old ->> 'accepted_at' IS NULL AND new ->> 'accepted_at' IS NOT NULL"
            " AND (old ->> 'revoked_at' IS NOT NULL"
            " OR (old ->> 'expires_at')::timestamptz <= c.began))",
        ),
        (
            "state_invitation__invitations_inserted_open",
            "state_invitation__invitations_ends_are_final",
            "state_invitation__invitations_only_open_is_accepted",
        ),
        Holds.TRANSITION,
    ),
)
