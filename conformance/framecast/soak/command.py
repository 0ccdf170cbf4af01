"""The command ``soak``: its server, its database, and its exit code."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from conformance.engine.deployment import migrations
from conformance.engine.postgres import ProvisionError, Request, provision, scratch
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.postgres.surroundings import withdrawn
from conformance.engine.progress import Progress
from conformance.framecast.soak import summary
from conformance.framecast.soak.run import DURABLE, Plan, Soak

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

FAILED = 1
NOT_TO_KILL = (
    "--kill is for a server that the soak starts itself: "
    "leave out --database-url and --postgres-image, and their variables"
)


def soak(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Run a soak and return its exit code: 0 only if everything was exercised, and all held.

    Raises:
        ProvisionError: There is no server, or none that may be killed.
        MigrationError: The schema cannot be installed.
    """
    named = {attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS}
    request = Request.read(named, os.environ)
    if options.kill and (request.database_url is not None or request.image is not None):
        raise ProvisionError(NOT_TO_KILL)
    migrations.load(options.migrations)  # fails before a server has been waited for
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    plan = Plan(options.seconds, options.clients, seed, options.kill)
    with (
        withdrawn(request) as completed,
        provision(completed, DURABLE if options.kill else None) as server,
        scratch.opened(server) as made,
    ):
        if options.kill and server.cluster is None:
            raise ProvisionError(NOT_TO_KILL)
        say(f"server: {server.origin}")
        say(f"{plan.clients} clients for {plan.seconds:g} s, --seed {seed}")
        database = made.clone(made.template(options.migrations), "soak")
        with Progress() as progress:
            report = Soak(database, plan, server.cluster, progress).run()
        for text in summary.lines(report):
            say(text)
    say(summary.verdict(report))
    return 0 if summary.holds(report) else FAILED
