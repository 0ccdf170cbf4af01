-- What no constraint can say: columns that never change, states, caps, and the balance.

-- Refuse in the name of a rule, as a check would.
CREATE FUNCTION refuse(rule text, because text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = rule, MESSAGE = because;
END;
$$;

CREATE FUNCTION account_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (new.code, new.currency) IS DISTINCT FROM (old.code, old.currency) THEN
        PERFORM refuse('acc_3__accounts_code_and_currency_are_fixed', 'an account is for good');
    END IF;
    IF old.status = 'closed' AND new.status <> 'closed' THEN
        PERFORM refuse('acc_4__accounts_closed_is_final', 'a closed account stays closed');
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER account_guard BEFORE UPDATE ON accounts
FOR EACH ROW EXECUTE FUNCTION account_guard();

CREATE FUNCTION account_start() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF new.status <> 'open' THEN
        PERFORM refuse('acc_4__accounts_begin_open', 'an account begins open');
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER account_start BEFORE INSERT ON accounts
FOR EACH ROW EXECUTE FUNCTION account_start();

-- Two sessions that each take the last place. A row that both write makes the second one wait for
-- the first, and fail where its snapshot is older than what the first has committed. A lock alone
-- would let it count what its snapshot shows.
CREATE TABLE owners (name text PRIMARY KEY);

CREATE FUNCTION account_cap() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO owners (name) VALUES (new.owner) ON CONFLICT (name) DO UPDATE SET name = new.owner;
    IF (SELECT count(*) FROM accounts WHERE owner = new.owner AND status = 'open') > 4 THEN
        PERFORM refuse('acc_5__owner_has_at_most_4_open', 'the owner has four open accounts');
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER account_cap AFTER INSERT OR UPDATE OF owner, status ON accounts
FOR EACH ROW WHEN (new.status = 'open') EXECUTE FUNCTION account_cap();

CREATE FUNCTION period_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND new.status = 'closed' THEN
        PERFORM refuse('per_3__periods_begin_open', 'a period begins open');
    ELSIF TG_OP = 'UPDATE' AND old.status = 'closed' AND new.status = 'open' THEN
        PERFORM refuse('per_3__periods_closed_is_final', 'a closed period stays closed');
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER period_guard BEFORE INSERT OR UPDATE ON periods
FOR EACH ROW EXECUTE FUNCTION period_guard();

CREATE FUNCTION transfer_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF new.status <> 'draft' THEN
            PERFORM refuse('trf_3__transfers_begin_as_draft', 'a transfer begins as a draft');
        END IF;
    ELSIF new.status <> old.status
        AND (old.status, new.status) NOT IN
            (('draft', 'posted'), ('draft', 'void'), ('posted', 'reversed')) THEN
        PERFORM refuse('trf_3__transfers_move_on', 'no such step');
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER transfer_guard BEFORE INSERT OR UPDATE ON transfers
FOR EACH ROW EXECUTE FUNCTION transfer_guard();

CREATE FUNCTION entry_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (new.transfer_id, new.line, new.account_id, new.currency, new.amount)
        IS DISTINCT FROM (old.transfer_id, old.line, old.account_id, old.currency, old.amount) THEN
        PERFORM refuse('ent_5__entries_are_fixed', 'what was entered stays');
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER entry_guard BEFORE UPDATE ON entries
FOR EACH ROW EXECUTE FUNCTION entry_guard();

CREATE FUNCTION hold_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF new.status <> 'active' THEN
            PERFORM refuse('hold_4__holds_begin_active', 'a hold begins active');
        END IF;
    ELSIF old.status <> 'active' AND new.status <> old.status THEN
        PERFORM refuse('hold_4__holds_ends_are_final', 'what has ended stays so');
    END IF;
    RETURN new;
END;
$$;
CREATE TRIGGER hold_guard BEFORE INSERT OR UPDATE ON holds
FOR EACH ROW EXECUTE FUNCTION hold_guard();

CREATE FUNCTION hold_cap() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts SET code = code WHERE id = new.account_id; -- as owners above
    IF (SELECT count(*) FROM holds WHERE account_id = new.account_id AND status = 'active') > 3 THEN
        PERFORM refuse('hold_5__account_has_at_most_3_active', 'the account has three holds');
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER hold_cap AFTER INSERT OR UPDATE OF account_id, status ON holds
FOR EACH ROW WHEN (new.status = 'active') EXECUTE FUNCTION hold_cap();

-- At COMMIT, so that lines may come in any order.
CREATE FUNCTION balance_guard() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_transfer uuid := CASE TG_TABLE_NAME WHEN 'transfers' THEN to_jsonb(new) ->> 'id'
        ELSE coalesce(to_jsonb(new), to_jsonb(old)) ->> 'transfer_id' END;
BEGIN
    IF TG_TABLE_NAME = 'entries' THEN
        UPDATE transfers SET memo = memo WHERE id = v_transfer; -- as owners above
    END IF;
    IF EXISTS (
        SELECT FROM transfers AS t
        WHERE t.id = v_transfer AND t.status IN ('posted', 'reversed')
            AND (SELECT coalesce(sum(e.amount), 0) FROM entries AS e WHERE e.transfer_id = t.id) <> 0
    ) THEN
        PERFORM refuse('bal_1__transfers_posted_sum_to_zero', 'debits and credits differ');
    END IF;
    RETURN NULL;
END;
$$;
CREATE CONSTRAINT TRIGGER balance_of_transfer AFTER INSERT OR UPDATE OF status ON transfers
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance_guard();
CREATE CONSTRAINT TRIGGER balance_of_entry AFTER INSERT OR UPDATE OR DELETE ON entries
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION balance_guard();
