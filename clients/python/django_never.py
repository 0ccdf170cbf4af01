"""Mistakes to avoid with Django's models."""

from collections.abc import Callable

from django.db.models import CASCADE, DO_NOTHING, SET_NULL, F

from clients.python.framecast.models import Jobs, Projects, Teams, Usage
from clients.python.serving import TEAM, WHO


def save_what_was_read_before() -> None:
    team = Teams.objects.get(id=WHO["harbour"])
    Teams.objects.filter(id=team.id).update(credits=F("credits") + 50)  # somebody else
    team.name = "Port"
    team.save()  # instead: team.save(update_fields=["name"])


def replace_a_count() -> None:
    row = Usage(owner=TEAM, period="2026-11", renders_count=1)
    Usage.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["owner", "period"],
        update_fields=["renders_count"],
    )


def deleting_as(on_delete: Callable[..., None]) -> None:
    Jobs._meta.get_field("project").remote_field.on_delete = on_delete
    try:
        Projects.objects.get(id=WHO["calm"]).delete()
    finally:
        Jobs._meta.get_field("project").remote_field.on_delete = DO_NOTHING


def delete_a_project_with_its_jobs() -> None:
    deleting_as(CASCADE)


def null_the_jobs_of_a_project() -> None:
    deleting_as(SET_NULL)
