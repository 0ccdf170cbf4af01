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

__all__ = ["AREAS", "RULES", "Holds", "Rule"]

AREAS = MappingProxyType(
    {
        area.__name__.rpartition(".")[2]: tuple(area.RULES)
        for area in (accounts, invitations, keys, projects, jobs, content, ownership)
    }
)
RULES = MappingProxyType({rule.id: rule for area in AREAS.values() for rule in area})
