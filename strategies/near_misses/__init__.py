"""For each rule, the smallest steps out of what is legal, along every write path.

`WAYS` has, for every rule of the catalogue and every write path, a strategy of scenarios or the
reason why the path cannot break the rule. To add a rule, write it into one of these modules.
"""

from types import MappingProxyType

from strategies.near_misses import users

WAYS = MappingProxyType({rule: ways for area in (users,) for rule, ways in area.WAYS.items()})
