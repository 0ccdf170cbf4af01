"""Circumstances of a run, as they are kept with what it found."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import settings

from conformance.engine.domain import chosen
from conformance.engine.findings.kept import Circumstances
from conformance.engine.postgres import ProvisionError
from conformance.engine.pytest_plugin import replay, role
from conformance.engine.pytest_plugin.keys import ENVIRONMENT, SEED

if TYPE_CHECKING:
    import pytest


def circumstances(config: pytest.Config) -> Circumstances:
    """Return what a run stands on; no server, if none was asked for or there was none."""
    environment = config.stash[ENVIRONMENT]
    server, major = "", None
    if environment.begun:
        with suppress(ProvisionError):
            server, major = environment.server().origin, environment.server().major
    given = os.environ.get(chosen.VARIABLE) if chosen.is_chosen() else ""
    whole = (each for each in replay.others(config) if each[0] in (role.OPTION, replay.REGRESSIONS))
    return Circumstances(
        folder=str(config.invocation_params.dir),
        migrations=str(environment.migrations.resolve()),
        domain=given or "",
        role=role.role_of(config),
        major=major,
        server=server,
        request=tuple(replay.server(config)),
        options=tuple(f"{option}={value}" for option, value in whole),
        profile=settings.get_current_profile_name(),
        seed=config.stash[SEED],
    )
