"""The catalogue: every rule of the domain, once, as data. The only list of rules there is."""

from types import MappingProxyType

from conformance.framecast.rules import (
    accounts,
    content,
    invitations,
    jobs,
    keys,
    ownership,
    projects,
)
from conformance.framecast.rules.rule import Holds, Rule

__all__ = ["RULES", "Holds", "Rule"]

RULES = MappingProxyType(
    {
        rule.id: rule
        for area in (accounts, invitations, keys, projects, jobs, content, ownership)
        for rule in area.RULES
    }
)
