"""Objects of the schema that serve no rule, and why they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LENGTH: Final = "a length that the domain gives its column; facts of columns try both sides of it"
LEAST: Final = "a least value that the domain gives its column; facts of columns try both sides"
SEARCH: Final = (
    "specs are searched in a copy, so that a rendering indexes none of them; facts of columns find"
    " what was written, and nothing that is gone"
)
LABELS: Final = "labels that the domain gives its column; facts of columns try all, and others"
GOES: Final = "the domain's tables say that it goes with its job; facts of columns delete the job"

BESIDE: Final[Mapping[str, str]] = {
    "constraint *_pkey": "rows are told apart by it; facts of columns give a key twice, and null",
    "constraint *_characters": LENGTH,
    "constraint *_not_blank": "a name that can be read; facts of columns try blanks",
    "constraint *_not_negative": LEAST,
    "constraint *_positive": LEAST,
    "constraint *_email_is_an_address": "somebody can be written to; facts of columns try others",
    "constraint *.invitations_token_used_once": "an invitation is found by its token, which facts"
    " of columns give twice",
    "constraint *.jobs_idempotency_key_used_once_by_user": "a request that is sent again makes no"
    " second job; facts of columns and a known race try it",
    "constraint *_job_exists": GOES,
    "constraint *.project_specs_project_exists": SEARCH,
    "trigger projects._500_copy_spec": SEARCH,
    "function framecast.tg_projects__copy_spec()": SEARCH,
    "type public.job_event_type": LABELS,
    "type public.job_failure_type": LABELS,
}
