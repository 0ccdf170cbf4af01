"""The labels of every enum type: the one place where Python states them."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.engine.sql.no_label import NoLabel

USER_TIER: Final = ("starter", "creator")
MEMBERSHIP_ROLE: Final = ("owner", "admin", "member", "viewer")
INVITATION_ROLE: Final = ("admin", "member", "viewer")
PROJECT_STATUS: Final = ("draft", "rendering", "completed", "archived")
JOB_STATUS: Final = ("queued", "processing", "completed", "failed", "canceled")
JOB_FAILURE_TYPE: Final = ("system", "validation", "timeout", "canceled")
JOB_EVENT_TYPE: Final = (
    *("queued", "started", "progress", "scene_complete"),
    *("completed", "failed", "canceled"),
)
ASSET_STATUS: Final = ("pending", "ready", "failed")
WEBHOOK_DELIVERY_STATUS: Final = ("pending", "retrying", "delivered", "failed")
SYSTEM_ASSET_CATEGORY: Final = ("sfx", "ambient", "music", "transition")
WEBHOOK_EVENT_TYPE: Final = (
    *("job.queued", "job.started", "job.progress"),
    *("job.completed", "job.failed", "job.canceled"),
)

ENUMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "user_tier": USER_TIER,
        "membership_role": MEMBERSHIP_ROLE,
        "invitation_role": INVITATION_ROLE,
        "project_status": PROJECT_STATUS,
        "job_status": JOB_STATUS,
        "job_failure_type": JOB_FAILURE_TYPE,
        "job_event_type": JOB_EVENT_TYPE,
        "asset_status": ASSET_STATUS,
        "webhook_delivery_status": WEBHOOK_DELIVERY_STATUS,
        "system_asset_category": SYSTEM_ASSET_CATEGORY,
        "webhook_event_type": WEBHOOK_EVENT_TYPE,
    }
)
"""Enum type -> its labels, in the order of the type."""

COLUMNS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "user_tier": (("users", "tier"),),
        "membership_role": (("memberships", "role"),),
        "invitation_role": (("invitations", "role"),),
        "project_status": (("projects", "status"),),
        "job_status": (("jobs", "status"),),
        "job_failure_type": (("jobs", "failure_type"),),
        "job_event_type": (("job_events", "event_type"),),
        "asset_status": (("asset_files", "status"),),
        "webhook_delivery_status": (("webhook_deliveries", "status"),),
        "system_asset_category": (("system_assets", "category"),),
        "webhook_event_type": (("webhooks", "events"),),
    }
)
"""Enum type -> the (table, column) pairs that hold its labels, one by one or in an array."""


@cache
def labels(enum: str) -> SearchStrategy[str]:
    """Labels of an enum type, the first one simplest."""
    return st.sampled_from(ENUMS[enum])


@cache
def broken_labels(enum: str) -> SearchStrategy[NoLabel]:
    """Texts one step away from a label: another case, a space, a part, another type's label."""
    legal = ENUMS[enum]
    steps = [step for label in legal for step in _steps(label)]
    foreign = [label for other in ENUMS.values() for label in other]
    near = dict.fromkeys(["", *steps, *foreign])
    return st.sampled_from(tuple(NoLabel(text, enum) for text in near if text not in legal))


def _steps(label: str) -> tuple[str, ...]:
    return (
        *(label.upper(), label.capitalize(), label + " ", " " + label, label + "\n"),
        *(label[:-1], label + "s", label.replace(".", "_")),
    )
