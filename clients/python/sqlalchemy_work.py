"""Projects, jobs and what belongs to them with SQLAlchemy's ORM, by either driver."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from clients.python.serving import TEAM, WHO
from clients.python.sqlalchemy_models import (
    ApiKeys,
    AssetFiles,
    AssetStatus,
    JobEvents,
    JobEventType,
    JobFailureType,
    Jobs,
    JobStatus,
    Projects,
    Teams,
    Usage,
    Users,
    WebhookDeliveries,
    WebhookDeliveryStatus,
    WebhookEventType,
    Webhooks,
)


def job_in(session: Session, name: str, price: int) -> Jobs:
    project = session.get_one(Projects, WHO[name])
    return Jobs(
        projects=project,
        owner=project.owner,
        triggered_by=WHO["ada"],
        spec_snapshot=project.spec,
        credits_charged=price,
    )


def render(session: Session) -> None:
    project = session.get_one(Projects, WHO["storm"])
    project.team.credits = Teams.credits - 10  # worked out by the server
    session.add(
        Jobs(
            project_id=project.id,
            owner=project.owner,
            triggered_by=WHO["ada"],
            spec_snapshot=project.spec,
            credits_charged=10,
        )
    )


def render_twice(session: Session) -> None:
    session.add(job_in(session, "gale", 0))


def render_on_credit(session: Session) -> None:
    session.get_one(Teams, WHO["harbour"]).credits = Teams.credits - 1000
    session.add(job_in(session, "storm", 1000))


def render_alone(session: Session) -> None:
    session.add(
        Jobs(owner=f"framecast:user:{WHO['sam']}", triggered_by=WHO["sam"], spec_snapshot={})
    )


def claim(session: Session) -> None:
    waiting = select(Jobs).where(Jobs.status == JobStatus.QUEUED).order_by(Jobs.created_at)
    job = session.scalars(waiting.limit(1).with_for_update(skip_locked=True)).one()
    job.status = JobStatus.PROCESSING


def report_progress(session: Session) -> None:
    session.get_one(Jobs, WHO["running"]).progress = {"percent": 50}


def complete(session: Session) -> None:
    job = session.get_one(Jobs, WHO["running"])
    job.status = JobStatus.COMPLETED
    job.output = {"url": "b.mp4"}


def fail_and_refund(session: Session) -> None:
    job = session.get_one(Jobs, WHO["running"])
    job.status = JobStatus.FAILED
    job.failure_type = JobFailureType.SYSTEM
    job.error = {"code": 1}
    job.credits_refunded = job.credits_charged
    session.get_one(Teams, WHO["harbour"]).credits = Teams.credits + job.credits_charged


def append_an_event(session: Session) -> None:
    job = session.get_one(Jobs, WHO["running"])
    event = JobEvents(event_type=JobEventType.PROGRESS, payload={"percent": 50})
    job.job_events.append(event)
    session.flush()
    if event.sequence != 1:
        message = f"its number was read back as {event.sequence}"
        raise AssertionError(message)


def announce_an_asset(session: Session) -> None:
    session.add(
        AssetFiles(
            owner=TEAM,
            uploaded_by=WHO["ada"],
            project_id=WHO["storm"],
            filename="new.png",
            s3_key="new.png",
            content_type="image/png",
            size_bytes=1000,
        )
    )


def finish_an_upload(session: Session) -> None:
    asset = session.get_one(AssetFiles, WHO["upload"])
    asset.status = AssetStatus.READY
    asset.metadata_ = {"width": 1}


def make_a_key(session: Session) -> None:
    urn = f"framecast:{WHO['harbour']}:{WHO['ben']}"
    session.add(ApiKeys(user_id=WHO["ben"], owner=urn, key_prefix="fc_", key_hash="new"))


def revoke_a_key(session: Session) -> None:
    session.get_one(ApiKeys, WHO["key"]).revoked_at = func.now()


def make_a_webhook(session: Session) -> None:
    session.add(
        Webhooks(
            team_id=WHO["harbour"],
            created_by=WHO["ada"],
            url="https://new.io/",
            secret="secret",
            events=[WebhookEventType.JOB_COMPLETED, WebhookEventType.JOB_FAILED],
        )
    )


def edit_a_webhook(session: Session) -> None:
    hook = session.get_one(Webhooks, WHO["hook"])
    hook.events = [WebhookEventType.JOB_QUEUED, *hook.events]


def deliver(session: Session) -> None:
    delivery = session.get_one(WebhookDeliveries, WHO["delivery"])
    delivery.status = WebhookDeliveryStatus.DELIVERED
    delivery.attempts += 1
    delivery.delivered_at = func.now()
    delivery.response_status = 200


def roll_up(session: Session) -> None:
    row = insert(Usage).values(owner=TEAM, period="2026-11", renders_count=1)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["owner", "period"],
            set_={"renders_count": Usage.renders_count + row.excluded.renders_count},
        )
    )


def rename_a_project(session: Session) -> None:
    session.get_one(Projects, WHO["storm"]).name = "Gust"


def write_a_project_whole(session: Session) -> None:
    read = session.get_one(Projects, WHO["storm"])
    session.expunge(read)
    columns = [c.key for c in Projects.__table__.columns if c.computed is None]
    whole = {name: getattr(read, name) for name in columns}
    session.merge(Projects(**{**whole, "name": "Gust"}))


def give_a_job_away(session: Session) -> None:
    session.get_one(Jobs, WHO["queued"]).owner = f"framecast:team:{WHO['attic']}"


def delete_a_project(session: Session) -> None:
    session.delete(session.get_one(Projects, WHO["calm"]))


def delete_a_team(session: Session) -> None:
    session.delete(session.get_one(Teams, WHO["attic"]))


def delete_an_account(session: Session) -> None:
    session.delete(session.get_one(Users, WHO["sam"]))


def erase_an_account(session: Session) -> None:
    session.execute(select(func.erase_user(WHO["dan"])))


def clean_up(session: Session) -> None:
    session.execute(select(func.delete_old_job_events(), func.delete_old_webhook_deliveries(100)))
