"""Rules of a double-entry ledger: accounts, transfers and their entries, holds, periods."""

from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.check import Check, each
from conformance.engine.kinds.fixed import Fixed
from conformance.engine.kinds.keys import References, Unique
from conformance.engine.kinds.query import Query
from conformance.engine.kinds.rule import Rule
from conformance.engine.kinds.same_as import SameAs
from conformance.engine.kinds.transitions import Transitions, legal

rule = Rule.of

RULES = (
    # accounts
    rule("ACC-1", "no two accounts have the same code", Unique("accounts", ("code",))),
    rule(
        "ACC-2",
        "a currency is three capital letters",
        Check(
            "accounts",
            "currency !~ '^[A-Z]{3}$'",
            legal=each("currency", "AAA", "ZZZ"),
            illegal=each("currency", "", "EU", "EURO", "eur", "EU1", " EUR"),
        ),
    ),
    rule(
        "ACC-3",
        "code and currency of an account never change",
        Fixed({"accounts": ("code", "currency")}),
    ),
    rule(
        "ACC-4",
        "an account is frozen and opened again; once closed it stays so",
        Transitions(
            "accounts",
            ("open", "frozen", "closed"),
            legal(">open open>frozen frozen>open open>closed frozen>closed"),
        ),
    ),
    rule(
        "ACC-5",
        "an owner has at most 4 open accounts",
        AtMost(
            4,
            "accounts a",
            per="a.owner",
            where="a.status = 'open'",
            out=each("status", "frozen", "closed"),
            back=(({"status": "frozen"}, {"status": "open"}),),
        ),
    ),
    # periods
    rule("PER-1", "no two periods have the same name", Unique("periods", ("name",))),
    rule(
        "PER-2",
        "a period ends after it starts",
        Check(
            "periods",
            "ends_on <= starts_on",
            legal=({"starts_on": "2026-01-01", "ends_on": "2026-01-02"},),
            illegal=({"starts_on": "2026-01-01", "ends_on": "2026-01-01"},),
        ),
    ),
    rule(
        "PER-3",
        "a closed period stays closed",
        Transitions("periods", ("open", "closed"), legal(">open open>closed")),
    ),
    # transfers
    rule("TRF-1", "its period exists", References("transfers", "period_id", "periods")),
    rule("TRF-2", "no two have the same reference", Unique("transfers", ("reference",))),
    rule(
        "TRF-3",
        "a draft is posted or void, and what is posted may be reversed",
        Transitions(
            "transfers",
            ("draft", "posted", "reversed", "void"),
            legal(">draft draft>posted draft>void posted>reversed"),
        ),
    ),
    rule(
        "BAL-1",
        "the entries of a transfer that was posted sum to zero",
        Query(  # of no kind: what is tried of it is in cases.py
            ("transfers", "entries"),
            "SELECT t.id::text FROM transfers t JOIN entries e ON e.transfer_id = t.id"
            " WHERE t.status IN ('posted', 'reversed') GROUP BY t.id HAVING sum(e.amount) <> 0",
        ),
    ),
    # entries
    rule("ENT-1", "its transfer exists", References("entries", "transfer_id", "transfers")),
    rule("ENT-2", "its account exists", References("entries", "account_id", "accounts")),
    rule(
        "ENT-3",
        "its amount is not zero",
        Check("entries", "amount = 0", legal=each("amount", 1, -1), illegal=each("amount", 0)),
    ),
    rule("ENT-4", "a line is there once", Unique("entries", ("transfer_id", "line"))),
    rule(
        "ENT-5",
        "what was entered never changes",
        Fixed({"entries": ("transfer_id", "line", "account_id", "currency", "amount")}),
    ),
    rule(
        "ENT-6",
        "it is in the currency of its account",
        SameAs("entries", "currency", via="account_id", parent="accounts", theirs="currency"),
        enforced_by=("ent_2__entries_account_exists",),
    ),
    # holds
    rule("HOLD-1", "its account exists", References("holds", "account_id", "accounts")),
    rule(
        "HOLD-2",
        "its amount is positive",
        Check("holds", "amount <= 0", legal=each("amount", 1), illegal=each("amount", 0, -1)),
    ),
    rule(
        "HOLD-3",
        "it expires after it was placed",
        Check(
            "holds",
            "expires_at <= placed_at",
            legal=({"placed_at": "2026-01-01Z", "expires_at": "2026-01-01 00:00:00.000001Z"},),
            illegal=({"placed_at": "2026-01-01Z", "expires_at": "2026-01-01Z"},),
        ),
    ),
    rule(
        "HOLD-4",
        "an active hold is captured or released, once",
        Transitions(
            "holds",
            ("active", "captured", "released"),
            legal(">active active>captured active>released"),
        ),
    ),
    rule(
        "HOLD-5",
        "an account has at most 3 active holds",
        AtMost(
            3,
            "holds h",
            per="h.account_id",
            where="h.status = 'active'",
            out=each("status", "captured", "released"),
        ),
    ),
)
