-- A double-entry ledger. Names of constraints begin with the token of the rule that they enforce:
-- acc_1__ stands for ACC-1. The rules are in ../rules.py.

CREATE TYPE account_status AS ENUM ('open', 'frozen', 'closed');
CREATE TYPE transfer_status AS ENUM ('draft', 'posted', 'reversed', 'void');
CREATE TYPE hold_status AS ENUM ('active', 'captured', 'released');
CREATE TYPE period_status AS ENUM ('open', 'closed');

CREATE TABLE periods (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL CONSTRAINT per_1__periods_name_is_unique UNIQUE,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    status period_status NOT NULL DEFAULT 'open',
    CONSTRAINT per_2__periods_end_after_they_start CHECK (ends_on > starts_on)
);

CREATE TABLE accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner text NOT NULL,
    code text NOT NULL CONSTRAINT acc_1__accounts_code_is_unique UNIQUE,
    currency text NOT NULL,
    status account_status NOT NULL DEFAULT 'open',
    CONSTRAINT acc_2__accounts_currency_is_three_capitals CHECK (currency ~ '^[A-Z]{3}$'),
    -- What entries refer to, so that their currency is the account's.
    CONSTRAINT accounts_id_and_currency UNIQUE (id, currency)
);

CREATE TABLE transfers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    period_id uuid NOT NULL CONSTRAINT trf_1__transfers_period_exists REFERENCES periods,
    reference text NOT NULL CONSTRAINT trf_2__transfers_reference_is_unique UNIQUE,
    memo text,
    status transfer_status NOT NULL DEFAULT 'draft'
);

CREATE TABLE entries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    transfer_id uuid NOT NULL CONSTRAINT ent_1__entries_transfer_exists REFERENCES transfers,
    line integer NOT NULL,
    account_id uuid NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    note text,
    CONSTRAINT ent_2__entries_account_exists FOREIGN KEY (account_id, currency)
        REFERENCES accounts (id, currency),
    CONSTRAINT ent_3__entries_amount_is_not_zero CHECK (amount <> 0),
    CONSTRAINT ent_4__entries_line_is_unique UNIQUE (transfer_id, line)
);
CREATE INDEX entries_account ON entries (account_id);

CREATE TABLE holds (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL CONSTRAINT hold_1__holds_account_exists REFERENCES accounts,
    amount bigint NOT NULL,
    status hold_status NOT NULL DEFAULT 'active',
    placed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT hold_2__holds_amount_is_positive CHECK (amount > 0),
    CONSTRAINT hold_3__holds_expire_after_they_are_placed CHECK (expires_at > placed_at)
);
CREATE INDEX holds_account ON holds (account_id);
