"""The flows as Peewee's models do them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from peewee import PeeweeException, fn

from clients.python import peewee_never
from clients.python.lists import know_lists
from clients.python.peewee_models import (
    ApiKeys,
    AssetFiles,
    Invitations,
    JobEvents,
    Jobs,
    Memberships,
    Projects,
    Teams,
    Usage,
    Users,
    WebhookDeliveries,
    Webhooks,
    database,
)
from clients.python.serving import MEMBER, TEAM, WHO, serve


def refusal(error: Exception) -> tuple[str | None, str | None]:
    """Return SQLSTATE and constraint: Peewee's exception keeps the driver's as orig."""
    if not isinstance(error, PeeweeException):
        raise error
    return error.orig.sqlstate, error.orig.diag.constraint_name


def sign_up() -> None:
    Users.create(email="new@x.io", name="New")


def sign_up_by_a_clock_ahead() -> None:
    Users.create(email="new@x.io", created_at=datetime.now(UTC) + timedelta(seconds=1))


def sign_up_with_no_address() -> None:
    Users.create(email="nobody")


def own_team(user: UUID, name: str) -> None:
    team = Teams.create(name=name)
    Memberships.create(team=team, user=user, role="owner")


def upgrade() -> None:
    starter = (Users.id == WHO["sam"]) & (Users.tier == "starter")
    Users.update(tier="creator", upgraded_at=fn.now()).where(starter).execute()
    team = Teams.create(name="Sam's team")
    Memberships.create(team=team, user=WHO["sam"], role="owner")


def invite() -> None:
    Invitations.create(
        team=WHO["harbour"], invited_by=WHO["ada"], email="new@x.io", role="admin", token="to new"
    )


def invite_oneself() -> None:
    Invitations.create(team=WHO["harbour"], invited_by=WHO["ada"], email="ADA@x.io", token="to ada")


def accepted(user: UUID, name: str) -> None:
    letter = Invitations.get_by_id(WHO[name])
    Teams.select().where(Teams.id == letter.team_id).for_update("FOR KEY SHARE").get()
    letter.accepted_at = fn.clock_timestamp()
    if not letter.save(only=[Invitations.accepted_at]):
        raise Invitations.DoesNotExist
    Memberships.create(team=letter.team_id, user=user, role=letter.role)


def accept() -> None:
    Users.select().where(Users.id == WHO["dan"]).for_update("FOR NO KEY UPDATE").get()
    accepted(WHO["dan"], "letter_to_dan")


def accept_what_was_revoked() -> None:
    Users.select().where(Users.id == WHO["dan"]).for_update("FOR NO KEY UPDATE").get()
    accepted(WHO["dan"], "revoked_letter")


def accept_as_a_starter() -> None:
    starter = (Users.id == WHO["eve"]) & (Users.tier == "starter")
    Users.update(tier="creator", upgraded_at=fn.now()).where(starter).execute()
    accepted(WHO["eve"], "letter_to_eve")


def hand_over() -> None:
    both = Memberships.select().where(
        Memberships.team == WHO["harbour"], Memberships.user.in_([WHO["ada"], WHO["cleo"]])
    )
    for membership in both.order_by(Memberships.id).for_update("FOR NO KEY UPDATE"):
        membership.role = "owner" if membership.user_id == WHO["cleo"] else "admin"
        membership.save(only=[Memberships.role])


def membership_of(name: str) -> Memberships:
    return Memberships.get(Memberships.team == WHO["harbour"], Memberships.user == WHO[name])


def leave() -> None:
    membership_of("ben").delete_instance()


def leave_the_only_team() -> None:
    Users.select().where(Users.id == WHO["cleo"]).for_update("FOR NO KEY UPDATE").get()
    membership_of("cleo").delete_instance()
    team = Teams.create(name="Own")
    Memberships.create(team=team, user=WHO["cleo"], role="owner")


def leave_as_the_last_owner() -> None:
    membership_of("ada").delete_instance()


def make_a_job(name: str, price: int) -> None:
    Teams.update(credits=Teams.credits - price).where(Teams.id == WHO["harbour"]).execute()
    project = Projects.get_by_id(WHO[name])
    Jobs.create(
        project=project,
        owner=TEAM,
        triggered_by=WHO["ada"],
        spec_snapshot=project.spec,
        credits_charged=price,
    )


def render() -> None:
    make_a_job("storm", 10)


def render_twice() -> None:
    make_a_job("gale", 0)


def render_on_credit() -> None:
    make_a_job("storm", 1000)


def render_alone() -> None:
    Jobs.create(owner=f"framecast:user:{WHO['sam']}", triggered_by=WHO["sam"], spec_snapshot={})


def claim() -> None:
    waiting = Jobs.select().where(Jobs.status == "queued").order_by(Jobs.created_at).limit(1)
    job = waiting.for_update("FOR UPDATE SKIP LOCKED").get()
    job.status = "processing"
    job.save(only=[Jobs.status])


def report_progress() -> None:
    job = Jobs.get_by_id(WHO["running"])
    job.progress = {"percent": 50}
    job.save()


def complete() -> None:
    job = Jobs.get_by_id(WHO["running"])
    job.status = "completed"
    job.output = {"url": "b.mp4"}
    job.save()


def fail_and_refund() -> None:
    job = Jobs.get_by_id(WHO["running"])
    job.status, job.failure_type, job.error = "failed", "system", {"code": 1}
    job.credits_refunded = job.credits_charged
    job.save()
    refunded = Teams.credits + job.credits_charged
    Teams.update(credits=refunded).where(Teams.id == WHO["harbour"]).execute()


def append_an_event() -> None:
    JobEvents.create(job=WHO["running"], event_type="progress", payload={"percent": 50})


def announce_an_asset() -> None:
    AssetFiles.create(
        owner=TEAM,
        uploaded_by=WHO["ada"],
        project=WHO["storm"],
        filename="new.png",
        s3_key="new.png",
        content_type="image/png",
        size_bytes=1000,
    )


def finish_an_upload() -> None:
    asset = AssetFiles.get_by_id(WHO["upload"])
    asset.status = "ready"
    asset.metadata = {"width": 1}
    asset.save()


def make_a_key() -> None:
    ApiKeys.create(user=WHO["ben"], owner=MEMBER, key_prefix="fc_", key_hash="new")


def revoke_a_key() -> None:
    key = ApiKeys.get_by_id(WHO["key"])
    key.revoked_at = fn.now()
    key.save()


def make_a_webhook() -> None:
    Webhooks.create(
        team=WHO["harbour"],
        created_by=WHO["ada"],
        url="https://new.io/",
        events=["job.completed", "job.failed"],
        secret="secret",
    )


def edit_a_webhook() -> None:
    hook = Webhooks.get_by_id(WHO["hook"])
    hook.events = ["job.queued", *hook.events]
    hook.save()


def deliver() -> None:
    delivery = WebhookDeliveries.get_by_id(WHO["delivery"])
    delivery.status, delivery.response_status = "delivered", 200
    delivery.attempts += 1
    delivery.delivered_at = fn.now()
    delivery.save()


def roll_up() -> None:
    Usage.insert(owner=TEAM, period="2026-11", renders_count=1).on_conflict(
        conflict_target=[Usage.owner, Usage.period],
        update={Usage.renders_count: Usage.renders_count + 1},
    ).execute()


def rename_a_project() -> None:
    project = Projects.get_by_id(WHO["storm"])
    project.name = "Gust"
    project.save()


def write_a_project_whole() -> None:
    whole = {**Projects.get_by_id(WHO["storm"]).__data__, "name": "Gust"}
    Projects.insert(whole).on_conflict(
        conflict_target=[Projects.id], preserve=[getattr(Projects, f) for f in whole if f != "id"]
    ).execute()


def give_a_job_away() -> None:
    job = Jobs.get_by_id(WHO["queued"])
    job.owner = f"framecast:team:{WHO['attic']}"
    job.save()


def delete_a_project() -> None:
    Projects.get_by_id(WHO["calm"]).delete_instance()


def delete_a_team() -> None:
    Teams.get_by_id(WHO["attic"]).delete_instance()


def delete_an_account() -> None:
    Users.get_by_id(WHO["sam"]).delete_instance()


def erase_an_account() -> None:
    database.execute_sql("SELECT erase_user(%s)", [WHO["dan"]])


def clean_up() -> None:
    database.execute_sql("SELECT delete_old_job_events(), delete_old_webhook_deliveries(100)")


def in_one(flow: Callable[[], None]) -> Callable[[], None]:
    """Return a flow in a transaction of its own."""

    def do() -> None:
        with database.atomic():
            flow()

    return do


if __name__ == "__main__":
    know_lists()
    found = {**globals(), **vars(peewee_never)}
    serve({name: in_one(flow) for name, flow in found.items() if callable(flow)}, refusal)
