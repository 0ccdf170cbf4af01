"""The mappings as the libraries' own generators write them, with what we change in that."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from clients.flows import HERE
from clients.preparing import NODE, run, tool

PYTHON: Final = HERE / "python"
DRIZZLE: Final = """
export default {
  dialect: "postgresql", out: process.env.OUT, dbCredentials: {
    host: process.env.PGHOST, port: Number(process.env.PGPORT), database: process.env.PGDATABASE,
    user: process.env.PGUSER, password: process.env.PGPASSWORD || undefined, ssl: false,
  },
};
"""

Environment = dict[str, str]


def sqlacodegen(environment: Environment) -> str:
    """Return what sqlacodegen writes."""
    options = ["--options", "noindexes,nocomments", "postgresql+psycopg://"]
    return _python(["-m", "sqlacodegen", *options], environment)


def inspectdb(environment: Environment) -> str:
    """Return what Django writes."""
    settings = {"DJANGO_SETTINGS_MODULE": "clients.python.django_settings"}
    return _python(["-m", "django", "inspectdb"], {**environment, **settings})


def pwiz(environment: Environment) -> str:
    """Return what Peewee writes."""
    return _python(["-m", "pwiz", "-e", "postgresql", environment["PGDATABASE"]], environment)


def drizzle_kit(environment: Environment) -> str:
    """Return what drizzle-kit writes."""
    with TemporaryDirectory() as folder:
        config = NODE / ".drizzle.config.mjs"
        config.write_text(DRIZZLE)
        try:
            run([tool("drizzle-kit"), "pull", f"--config={config.name}"], **environment, OUT=folder)
        finally:
            config.unlink()
        return (Path(folder) / "schema.ts").read_text()


class Mapping(NamedTuple):
    """A mapping that a generator writes.

    Attributes:
        file: where it is kept.
        changes: the script of sed that changes it.
        generate: takes the environment that names a database, and returns what is written.
    """

    file: Path
    changes: Path
    generate: Callable[[Environment], str]

    def changed(self, generated: str) -> str:
        """Return what was generated as the script changes it."""
        command = ["sed", "-E", "-f", str(self.changes)]
        return subprocess.run(  # noqa: S603 - our own script
            command, input=generated, stdout=subprocess.PIPE, check=True, text=True
        ).stdout


MAPPINGS: Final = {
    "SQLAlchemy": Mapping(PYTHON / "sqlalchemy_models.py", PYTHON / "sqlalchemy.sed", sqlacodegen),
    "Django": Mapping(PYTHON / "framecast/models.py", PYTHON / "django.sed", inspectdb),
    "Peewee": Mapping(PYTHON / "peewee_models.py", PYTHON / "peewee.sed", pwiz),
    "Drizzle": Mapping(NODE / "drizzle_schema.ts", NODE / "drizzle.sed", drizzle_kit),
}


def _python(arguments: list[str], environment: Environment) -> str:
    return subprocess.run(  # noqa: S603 - programs of our own environment
        [sys.executable, *arguments],
        cwd=HERE.parent,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
