"""Mistakes to avoid with Peewee's models."""

from clients.python.peewee_models import Projects, Teams, Usage
from clients.python.serving import TEAM, WHO


def delete_a_project_with_its_jobs() -> None:
    Projects.get_by_id(WHO["calm"]).delete_instance(recursive=True, delete_nullable=True)


def null_the_jobs_of_a_project() -> None:
    Projects.get_by_id(WHO["calm"]).delete_instance(recursive=True)


def save_what_was_read_before() -> None:
    team = Teams.get_by_id(WHO["harbour"])
    Teams.update(credits=Teams.credits + 50).where(Teams.id == team.id).execute()  # somebody else
    team.name = "Port"
    team.save()  # instead: team.save(only=[Teams.name])


def replace_a_count() -> None:
    Usage.insert(owner=TEAM, period="2026-11", renders_count=1).on_conflict(
        conflict_target=[Usage.owner, Usage.period], preserve=[Usage.renders_count]
    ).execute()
