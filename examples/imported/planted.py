"""Faults of the shop's schema, each an edit of its migration, and what a run must say of it."""

from typing import Final

from examples.fault import Fault, broken

FAULTS: Final = (
    broken(
        "ORDER-ITEMS-4",
        "any product",
        "product_id integer NOT NULL REFERENCES products,\n    quantity",
        "product_id integer NOT NULL,\n    quantity",
    ),
    broken("PRODUCTS-6", "a price below nothing", "CHECK (price >= 0)", "CHECK (price >= -1)"),
    broken("REVIEWS-6", "no star at all", "rating BETWEEN 1 AND 5", "rating BETWEEN 0 AND 5"),
    broken(
        "PAYMENTS-3",
        "references of small amounts repeat",
        "reference text UNIQUE,\n    CHECK ((method = 'card') = (card_last4 IS NOT NULL))\n);",
        "reference text,\n    CHECK ((method = 'card') = (card_last4 IS NOT NULL))\n);\n"
        "CREATE UNIQUE INDEX payments_reference_key ON payments (reference) WHERE amount > 1;",
    ),
    broken("ADDRESSES-1", "no street", "street text NOT NULL", "street text"),
    Fault(
        "a check of new rows alone",
        "discontinued_on date,\n    CHECK (list_price >= price)\n);",
        "discontinued_on date\n);\nALTER TABLE products ADD CONSTRAINT products_check"
        " CHECK (list_price >= price) NOT VALID;",
        {"PRODUCTS-5": "unproven"},
    ),
    Fault(
        "addresses keep a customer",
        "REFERENCES customers ON DELETE CASCADE",
        "REFERENCES customers",
        {"ADDRESSES-5": "overblocked"},
    ),
    broken(
        "REVIEWS-5",
        "reviews go with their product",
        "product_id integer NOT NULL REFERENCES products,\n    customer_id",
        "product_id integer NOT NULL REFERENCES products ON DELETE CASCADE,\n    customer_id",
    ),
    broken(
        "ORDERS-3",
        "orders go with their coupon",
        "ON UPDATE CASCADE ON DELETE SET NULL",
        "ON UPDATE CASCADE ON DELETE CASCADE",
    ),
    Fault(
        "a coupon keeps its code",
        "ON UPDATE CASCADE ON DELETE SET NULL",
        "ON DELETE SET NULL",
        {"ORDERS-3": "overblocked"},
    ),
    broken(
        "ADDRESSES-3", "two defaults", "WHERE is_default;", "WHERE is_default AND label = 'home';"
    ),
    Fault(
        "what was discontinued keeps its number",
        "(sku) WHERE discontinued_on IS NULL",
        "(sku)",
        {"PRODUCTS-3": "overblocked"},
    ),
    broken("CUSTOMERS-3", "emails differ by case", "(lower(email))", "(email)"),
    broken("PRODUCTS-7", "a number goes on", "-[0-9]{4}$'", "-[0-9]{4}'"),
    broken("ORDERS-5", "any status", "status order_status NOT NULL", "status text NOT NULL"),
    Fault(
        "currencies in small letters",
        "(VALUE ~ '^[A-Z]{3}$')",
        "(VALUE ~ '^[A-Za-z]{3}$')",
        {"ORDERS-6": "broken", "PRODUCTS-4": "broken"},
    ),
    broken("SALES-3", "two sales at once", ",\n    EXCLUDE USING gist (during WITH &&)", ""),
    broken("CATEGORIES-5", "its own parent", "CHECK (parent_id <> id)", "CHECK (true)"),
    broken("CUSTOMERS-8", "a sixth tag", "cardinality(tags) <= 5", "cardinality(tags) <= 6"),
    broken(
        "PAYMENTS-7",
        "cash with a card",
        "CHECK ((method = 'card') = (card_last4 IS NOT NULL))",
        "CHECK (method <> 'card' OR card_last4 IS NOT NULL)",
    ),
    Fault(
        "98 of one product",
        "quantity BETWEEN 1 AND 99",
        "quantity BETWEEN 1 AND 98",
        {"ORDER-ITEMS-6": "overblocked"},
    ),
    Fault(
        "a check by another name",
        "weight_g integer CHECK",
        "weight_g integer CONSTRAINT weight CHECK",
        {"PRODUCTS-8": "unnamed"},
    ),
    broken("COUPONS-3", "over before it begins", "CHECK (ends_on >= starts_on)", "CHECK (true)"),
)
