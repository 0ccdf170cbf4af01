"""Mistakes to avoid with SQLAlchemy's ORM."""

import warnings
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from clients.python.serving import WHO


def delete_a_project_with_its_jobs(session: Session) -> None:
    found: Any = automap_base()
    with warnings.catch_warnings(action="ignore"):
        found.prepare(autoload_with=session.connection())
        session.delete(session.get_one(found.classes.projects, WHO["calm"]))


class Base(DeclarativeBase):
    pass


class Project(Base):
    __tablename__ = "projects"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    jobs: Mapped[list["Job"]] = relationship()  # lacks passive_deletes="all"


class Job(Base):
    __tablename__ = "jobs"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(Text)
    project_id: Mapped[UUID | None] = mapped_column(ForeignKey("projects.id"))


def null_the_jobs_of_a_project(session: Session) -> None:
    session.delete(session.get_one(Project, WHO["calm"]))
