"""Trying what columns hold beside the rules: defaults, nulls, lengths, keys, parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.attempt import transaction_script
from conformance.outcomes import Accepted, Inconclusive, Outcome, Rejected
from conformance.session import in_order
from conformance.verdicts import Finding, Verdict
from conformance.writes import Path

if TYPE_CHECKING:
    from conformance.lab import Lab
    from conformance.scenario import Transaction
    from strategies.forms import Form


def hold(lab: Lab, form: Form) -> None:
    """Try one fact of a column on the emptied database, as the owner: rights are proven elsewhere.

    Raises:
        Finding: The table does not do what the domain says of it. Its rule is the fact's name.
    """
    lab.reset()
    script: list[str] = []

    def run(transaction: Transaction) -> Outcome:
        body = in_order(transaction, Path.UPDATE)
        script.append(transaction_script(body))
        outcome = lab.run_as_owner(body)
        script.append(f"-- {outcome}\n\n")
        return outcome

    def finding(verdict: Verdict, expected: str, observed: str) -> Finding:
        shown = "".join(script)
        return Finding(form.name, verdict, expected=expected, observed=observed, script=shown)

    for transaction in filter(None, form.accepted):
        outcome = run(transaction)
        if not isinstance(outcome, Accepted):
            raise finding(Verdict.OVERBLOCKED, "accepted: it is legal", str(outcome))
    for fact in form.facts:
        observed = lab.owner.fetch(fact.query)
        if observed != [(fact.expected,)]:
            script.append(f"{fact.query};\n")
            raise finding(Verdict.BROKEN, f"{fact.query} is {fact.expected!r}", repr(observed))
    refused = [each for each in (form.refused, *form.more) if each]
    refused += [other for each in refused for other in lab.labels.stand_ins(each)]
    for transaction in refused:
        outcome = run(transaction)
        if isinstance(outcome, Inconclusive):
            raise finding(Verdict.UNPROVEN, "refused", str(outcome))
        if not _is_refused(outcome, form):
            verdict = Verdict.BROKEN if isinstance(outcome, Accepted) else Verdict.UNNAMED
            by = " of ".join(filter(None, (*form.by, form.token)))
            raise finding(verdict, f"refused with {by}", str(outcome))


def _is_refused(outcome: Outcome, form: Form) -> bool:
    sqlstate, column = form.by
    return (
        isinstance(outcome, Rejected)
        and (outcome.sqlstate, outcome.token) == (sqlstate, form.token)
        and (not column or (outcome.table, outcome.column) == (form.tables[0], column))
    )
