"""All that the product does, as data: one module an area."""

from conformance.framecast.operations import (
    assets,
    clock,
    credit,
    deliveries,
    events,
    jobs,
    keys,
    memberships,
    projects,
    teams,
    users,
)
from conformance.framecast.operations.operation import Act, Operation, Step, choices_of, step

__all__ = ["OPERATIONS", "Act", "Operation", "Step", "choices_of", "step"]

OPERATIONS = {
    operation.name: operation
    for area in (
        users,
        teams,
        memberships,
        projects,
        jobs,
        credit,
        keys,
        assets,
        deliveries,
        events,
        clock,
    )
    for operation in area.OPERATIONS
}
