"""PostgreSQL, found or brought: one server to test on, whatever the machine has."""

from conformance.postgres.request import MINIMUM_MAJOR, ProvisionError, Request
from conformance.postgres.server import Server
from conformance.postgres.sources import provision

__all__ = ["MINIMUM_MAJOR", "ProvisionError", "Request", "Server", "provision"]
