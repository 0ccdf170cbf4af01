"""PostgreSQL, found or brought: one server to test on, whatever the machine has."""

from conformance.engine.postgres.request import MINIMUM_MAJOR, ProvisionError, Request
from conformance.engine.postgres.server import Server
from conformance.engine.postgres.sources import provision

__all__ = ["MINIMUM_MAJOR", "ProvisionError", "Request", "Server", "provision"]
