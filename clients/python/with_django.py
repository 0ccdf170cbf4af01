"""The flows as Django's models do them."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import django
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Now
from django.db.utils import Error

from clients.python.lists import know_lists
from clients.python.serving import MEMBER, TEAM, WHO, serve

os.environ["DJANGO_SETTINGS_MODULE"] = "clients.python.django_settings"
django.setup()

from clients.python import django_never  # noqa: E402 - needs the settings
from clients.python.framecast.models import (  # noqa: E402 - needs the settings
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
)


def refusal(error: Exception) -> tuple[str | None, str | None]:
    """Return SQLSTATE and constraint: Django's exception has psycopg's as its cause."""
    if not isinstance(error, Error) or error.__cause__ is None:
        raise error
    return error.__cause__.sqlstate, error.__cause__.diag.constraint_name


def sign_up() -> None:
    Users.objects.create(email="new@x.io", name="New")


def sign_up_by_a_clock_ahead() -> None:
    Users.objects.create(email="new@x.io", created_at=datetime.now(UTC) + timedelta(seconds=1))


def sign_up_with_no_address() -> None:
    Users.objects.create(email="nobody")


def upgrade() -> None:
    user = Users.objects.select_for_update().get(id=WHO["sam"])
    user.tier = "creator"
    user.upgraded_at = Now()
    user.save(update_fields=["tier", "upgraded_at"])
    team = Teams.objects.create(name="Sam's team")
    Memberships.objects.create(team=team, user=user, role="owner")


def invite() -> None:
    Invitations.objects.create(
        team_id=WHO["harbour"],
        invited_by_id=WHO["ada"],
        email="new@x.io",
        role="admin",
        token="to new",
    )


def invite_oneself() -> None:
    Invitations.objects.create(
        team_id=WHO["harbour"], invited_by_id=WHO["ada"], email="ADA@x.io", token="to ada"
    )


def accepted(user: UUID, name: str) -> None:
    letter = Invitations.objects.get(id=WHO[name])
    with connection.cursor() as cursor:  # Django has no word for FOR KEY SHARE
        cursor.execute("SELECT FROM teams WHERE id = %s FOR KEY SHARE", [letter.team_id])
    if not Invitations.objects.filter(id=letter.id, accepted_at=None).update(accepted_at=Now()):
        raise Invitations.DoesNotExist
    Memberships.objects.create(team_id=letter.team_id, user_id=user, role=letter.role)


def accept() -> None:
    Users.objects.select_for_update(no_key=True).get(id=WHO["dan"])
    accepted(WHO["dan"], "letter_to_dan")


def accept_what_was_revoked() -> None:
    Users.objects.select_for_update(no_key=True).get(id=WHO["dan"])
    accepted(WHO["dan"], "revoked_letter")


def accept_as_a_starter() -> None:
    Users.objects.filter(id=WHO["eve"], tier="starter").update(tier="creator", upgraded_at=Now())
    accepted(WHO["eve"], "letter_to_eve")


def hand_over() -> None:
    both = Memberships.objects.filter(team=WHO["harbour"], user__in=[WHO["ada"], WHO["cleo"]])
    for membership in both.order_by("id").select_for_update(no_key=True):
        membership.role = "owner" if membership.user_id == WHO["cleo"] else "admin"
        membership.save(update_fields=["role"])


def leave() -> None:
    Memberships.objects.get(team=WHO["harbour"], user=WHO["ben"]).delete()


def leave_the_only_team() -> None:
    user = Users.objects.select_for_update(no_key=True).get(id=WHO["cleo"])
    Memberships.objects.get(team=WHO["harbour"], user=user).delete()
    team = Teams.objects.create(name="Own")
    Memberships.objects.create(team=team, user=user, role="owner")


def leave_as_the_last_owner() -> None:
    Memberships.objects.get(team=WHO["harbour"], user=WHO["ada"]).delete()


def make_a_job(project_id: UUID, price: int) -> None:
    Teams.objects.filter(id=WHO["harbour"]).update(credits=F("credits") - price)
    project = Projects.objects.get(id=project_id)
    Jobs.objects.create(
        project=project,
        owner=TEAM,
        triggered_by_id=WHO["ada"],
        spec_snapshot=project.spec,
        credits_charged=price,
    )


def render() -> None:
    make_a_job(WHO["storm"], 10)


def render_twice() -> None:
    make_a_job(WHO["gale"], 0)


def render_on_credit() -> None:
    make_a_job(WHO["storm"], 1000)


def render_alone() -> None:
    Jobs.objects.create(
        owner=f"framecast:user:{WHO['sam']}", triggered_by_id=WHO["sam"], spec_snapshot={}
    )


def claim() -> None:
    waiting = Jobs.objects.filter(status="queued").order_by("created_at")
    job = waiting.select_for_update(skip_locked=True)[0]
    job.status = "processing"
    job.save(update_fields=["status"])


def report_progress() -> None:
    job = Jobs.objects.get(id=WHO["running"])
    job.progress = {"percent": 50}
    job.save()


def complete() -> None:
    job = Jobs.objects.get(id=WHO["running"])
    job.status = "completed"
    job.output = {"url": "b.mp4"}
    job.save()


def fail_and_refund() -> None:
    job = Jobs.objects.get(id=WHO["running"])
    job.status, job.failure_type, job.error = "failed", "system", {"code": 1}
    job.credits_refunded = job.credits_charged
    job.save()
    Teams.objects.filter(id=WHO["harbour"]).update(credits=F("credits") + job.credits_charged)


def append_an_event() -> None:
    JobEvents.objects.create(job_id=WHO["running"], event_type="progress", payload={"percent": 50})


def announce_an_asset() -> None:
    AssetFiles.objects.create(
        owner=TEAM,
        uploaded_by_id=WHO["ada"],
        project_id=WHO["storm"],
        filename="new.png",
        s3_key="new.png",
        content_type="image/png",
        size_bytes=1000,
    )


def finish_an_upload() -> None:
    asset = AssetFiles.objects.get(id=WHO["upload"])
    asset.status = "ready"
    asset.metadata = {"width": 1}
    asset.save()


def make_a_key() -> None:
    ApiKeys.objects.create(user_id=WHO["ben"], owner=MEMBER, key_prefix="fc_", key_hash="new")


def revoke_a_key() -> None:
    key = ApiKeys.objects.get(id=WHO["key"])
    key.revoked_at = Now()
    key.save()


def make_a_webhook() -> None:
    Webhooks.objects.create(
        team_id=WHO["harbour"],
        created_by_id=WHO["ada"],
        url="https://new.io/",
        events=["job.completed", "job.failed"],
        secret="secret",
    )


def edit_a_webhook() -> None:
    hook = Webhooks.objects.get(id=WHO["hook"])
    hook.events = ["job.queued", *hook.events]
    hook.save()


def deliver() -> None:
    delivery = WebhookDeliveries.objects.get(id=WHO["delivery"])
    delivery.status, delivery.response_status = "delivered", 200
    delivery.attempts += 1
    delivery.delivered_at = Now()
    delivery.save()


def roll_up() -> None:
    Usage.objects.update_or_create(
        owner=TEAM,
        period="2026-11",
        defaults={"renders_count": F("renders_count") + Value(1)},
        create_defaults={"renders_count": 1},
    )


def rename_a_project() -> None:
    project = Projects.objects.get(id=WHO["storm"])
    project.name = "Gust"
    project.save()


def write_a_project_whole() -> None:
    project = Projects.objects.get(id=WHO["storm"])
    project.name = "Gust"
    others = [f.name for f in Projects._meta.concrete_fields if not f.primary_key]
    Projects.objects.bulk_create(
        [project], update_conflicts=True, unique_fields=["id"], update_fields=others
    )


def give_a_job_away() -> None:
    job = Jobs.objects.get(id=WHO["queued"])
    job.owner = f"framecast:team:{WHO['attic']}"
    job.save()


def delete_a_project() -> None:
    Projects.objects.get(id=WHO["calm"]).delete()


def delete_a_team() -> None:
    Teams.objects.get(id=WHO["attic"]).delete()


def delete_an_account() -> None:
    Users.objects.get(id=WHO["sam"]).delete()


def erase_an_account() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT erase_user(%s)", [WHO["dan"]])


def clean_up() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT delete_old_job_events(), delete_old_webhook_deliveries(100)")


def in_one(flow: Callable[[], None]) -> Callable[[], None]:
    """Return a flow in a transaction of its own."""

    def do() -> None:
        with transaction.atomic():
            flow()

    return do


if __name__ == "__main__":
    know_lists()
    found = {**globals(), **vars(django_never)}
    serve({name: in_one(flow) for name, flow in found.items() if callable(flow)}, refusal)
