"""Operations of assets: they are announced, uploaded or not, and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Delete, Insert, Row, Update
from conformance.framecast.model import moves
from conformance.framecast.model.entities import CONTENT_TYPES, MAKERS, MIB, Asset, Owner, uuid
from conformance.framecast.operations.choices import actor, among, row, row_or_none, varied
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

STATES = moves.MOVES["asset"].states
PATH = "assets/one"


def _announce(
    state: State,
    by: tuple[int, int | None, int | None],
    project: int | None,
    amiss: str,
    status: str,
) -> Act:
    user, team, member = by
    serial = state.serial + 1
    asset = Asset(
        serial,
        Owner(team, member),
        user,
        project,
        PATH if amiss == "path" else f"assets/{serial}",
        "text/plain" if amiss == "type" else varied(serial, sorted(CONTENT_TYPES)),
        {"empty": 0, "huge": 50 * MIB + 1, "large": 50 * MIB}.get(amiss, 1),
        status,
    )
    columns: Row = {
        "id": uuid(serial),
        "owner": asset.owner.urn,
        "uploaded_by": uuid(user),
        "project_id": None if project is None else uuid(project),
        "filename": "file.png",
        "s3_key": asset.path,
        "content_type": asset.kind,
        "size_bytes": asset.size,
        "status": status,
    }
    broken = moves.refused("asset", None, status)
    if team is None:
        broken |= frozenset() if member == user else {"INV-X2", "URN-2"}
    else:
        role = state.role(team, user)
        broken |= frozenset() if role in MAKERS else {"ROLE-2"}
        broken |= frozenset() if role else {"INV-X2"}
    return Act((Insert("asset_files", (columns,)),), state.put(asset), broken)


def _say(state: State, asset: int, status: str) -> Act:
    before = state.asset_files[asset]
    return Act(
        (Update("asset_files", {"id": uuid(asset)}, {"status": status}),),
        state.put(replace(before, status=status)),
        moves.refused("asset", before.status, status),
    )


def _move(state: State, asset: int, project: int | None) -> Act:
    before = state.asset_files[asset]
    target = None if project is None else uuid(project)
    return Act(
        (Update("asset_files", {"id": uuid(asset)}, {"project_id": target}),),
        state.put(replace(before, project=project)),
        frozenset({"IMM-1"}) if before.project != project else frozenset(),
    )


def _delete(state: State, asset: int) -> Act:
    gone = state.asset_files[asset]
    return Act((Delete("asset_files", {"id": uuid(asset)}),), state.drop(gone))


ANNOUNCE = Operation(
    "announce an asset",
    {
        "by": actor,
        "project": row_or_none("projects"),
        "amiss": among(*["nothing"] * 6, "large", "path", "path", "type", "empty", "huge"),
        "status": among(*["pending"] * 5, *STATES),
    },
    _announce,
)
SAY = Operation(
    "say how an asset is", {"asset": row("asset_files"), "status": among(*STATES)}, _say
)
MOVE = Operation(
    "move an asset", {"asset": row("asset_files"), "project": row_or_none("projects")}, _move
)
DELETE = Operation("delete an asset", {"asset": row("asset_files")}, _delete)

OPERATIONS = (ANNOUNCE, SAY, MOVE, DELETE)
