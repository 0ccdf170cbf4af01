"""Faults of the ledger's schema, each an edit of a migration, and what a run must say of it."""

from typing import Final

from examples.fault import Fault, broken

FAULTS: Final = (
    broken(
        "ACC-1", "codes are unique for each owner", "_code_is_unique UNIQUE,", "_x CHECK (true),"
    ),
    broken("ACC-2", "a currency begins with three capitals", "'^[A-Z]{3}$'", "'^[A-Z]{3}'"),
    broken("ACC-2", "a currency has any case", "(currency ~ ", "(currency ~* "),
    broken(
        "ACC-3",
        "a currency may change",
        "(new.code, new.currency) IS DISTINCT FROM (old.code, old.currency)",
        "new.code <> old.code",
    ),
    broken(
        "ACC-4",
        "a closed account is frozen",
        "AND new.status <> 'closed'",
        "AND new.status = 'open'",
    ),
    broken(
        "ACC-4", "an account begins frozen", "IF new.status <> 'open'", "IF new.status = 'closed'"
    ),
    broken("ACC-5", "a fifth account", "'open') > 4", "'open') > 5"),
    broken("ACC-5", "opened again uncounted", "OR UPDATE OF owner, status ON", "ON"),
    broken("ACC-5", "moved uncounted", "OR UPDATE OF owner, status ON", "OR UPDATE OF status ON"),
    broken("PER-1", "names may repeat", "_name_is_unique UNIQUE", "_x CHECK (true)"),
    broken("PER-2", "a period of no day", "(ends_on > starts_on)", "(ends_on >= starts_on)"),
    broken(
        "PER-3",
        "closed periods open",
        "AND old.status = 'closed' AND",
        "AND false AND",
    ),
    broken("TRF-1", "a period may go", " REFERENCES periods", " CHECK (true)"),
    broken("TRF-2", "references repeat", "_reference_is_unique UNIQUE", "_x CHECK (true)"),
    broken(
        "TRF-3",
        "void is posted",
        "(('draft', 'posted'),",
        "(('draft', 'posted'), ('void', 'posted'),",
    ),
    broken("BAL-1", "entries are deleted", "UPDATE OR DELETE ON entries", "UPDATE ON entries"),
    broken(
        "BAL-1",
        "posted without a look",
        "balance_of_transfer AFTER INSERT OR UPDATE OF status ON",
        "balance_of_transfer AFTER INSERT ON",
    ),
    broken("ENT-1", "a transfer may go", " REFERENCES transfers", " CHECK (true)"),
    broken("ENT-3", "amounts of nothing", "(amount <> 0)", "(amount IS NOT NULL)"),
    broken(
        "ENT-4",
        "lines repeat by account",
        "(transfer_id, line)\n",
        "(transfer_id, line, account_id)\n",
    ),
    broken("ENT-5", "amounts change", "old.currency, old.amount)", "old.currency, new.amount)"),
    broken(
        "ENT-6",
        "any currency",
        "(account_id, currency)\n        REFERENCES accounts (id, currency)",
        "(account_id)\n        REFERENCES accounts (id)",
    ),
    broken("HOLD-1", "an account may go", " REFERENCES accounts,\n", " CHECK (true),\n"),
    broken("HOLD-2", "a hold of nothing", "(amount > 0)", "(amount >= 0)"),
    broken("HOLD-3", "over at once", "(expires_at > placed_at)", "(expires_at >= placed_at)"),
    broken(
        "HOLD-4",
        "captured after release",
        "old.status <> 'active' AND",
        "old.status = 'captured' AND",
    ),
    broken("HOLD-5", "a fourth hold", "'active') > 3", "'active') > 4"),
    Fault("a third hold refused", "'active') > 3", "'active') > 2", {"HOLD-5": "overblocked"}),
    Fault(
        "a balance after each line",
        "OR DELETE ON entries\nDEFERRABLE INITIALLY DEFERRED",
        "OR DELETE ON entries\nDEFERRABLE INITIALLY IMMEDIATE",
        {"BAL-1": "overblocked"},
    ),
    Fault(
        "a key without a name",
        "CONSTRAINT acc_1__accounts_code_is_unique UNIQUE",
        "UNIQUE",
        {"ACC-1": "unnamed"},
    ),
    Fault(
        "any account, in any currency",
        "ent_2__entries_account_exists FOREIGN KEY "
        "(account_id, currency)\n        REFERENCES accounts (id, currency)",
        "x CHECK (true)",
        {"ENT-2": "broken", "ENT-6": "broken"},
    ),
)


# Faults that only two sessions can show: each lets both take the last place, or the like.
MEETS: Final = "UPDATE accounts SET code = code WHERE id = new.account_id;"
LOCKS: Final = "PERFORM FROM accounts WHERE id = new.account_id FOR UPDATE;"
FAULTS_OF_TWO: Final = (
    broken("ACC-5", "owners do not meet", "DO UPDATE SET name = new.owner", "DO NOTHING"),
    broken("HOLD-5", "a lock alone", MEETS, LOCKS),
    broken("HOLD-5", "no lock", MEETS),
    broken(
        "BAL-1",
        "posted while somebody enters",
        "UPDATE transfers SET memo = memo WHERE id = v_transfer;",
        "NULL;",
    ),
)


# Faults that one write on new rows does not show: each needs rows with a past.
FAULTS_OF_SEQUENCES: Final = (
    broken(
        "ACC-3",
        "a closed account gets another code",
        "IS DISTINCT FROM (old.code, old.currency) THEN",
        "IS DISTINCT FROM (old.code, old.currency) AND old.status <> 'closed' THEN",
    ),
    Fault(
        "a frozen account takes two holds",
        "(SELECT count(*) FROM holds WHERE account_id = new.account_id AND status = 'active') > 3",
        "(SELECT count(*) FROM holds WHERE account_id = new.account_id AND status = 'active')\n"
        "        > (CASE WHEN EXISTS (SELECT FROM accounts WHERE id = new.account_id"
        " AND status = 'frozen') THEN 2 ELSE 3 END)",
        {"HOLD-5": "overblocked"},
    ),
    broken(
        "ENT-5",
        "entries of a void transfer change",
        "old.currency, old.amount) THEN",
        "old.currency, old.amount)\n        AND NOT EXISTS (SELECT FROM transfers"
        " WHERE id = old.transfer_id AND status = 'void') THEN",
    ),
)
