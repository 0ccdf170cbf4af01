"""Rules of shop, as its catalogue states them.

Written by `framecast-conformance init`; from here on it is yours. Say in your own words what each
rule is for, give it the id that you call it by, and add what no catalogue can say: see TODO below.
"""

from pathlib import Path

from conformance.engine.derived import domain
from conformance.engine.derived.series import Series
from conformance.engine.kinds.check import Check, Required, each
from conformance.engine.kinds.keys import Excludes, References, Unique
from conformance.engine.kinds.rule import Rule

rule = Rule.of

RULES = (
    # addresses
    rule(
        "ADDRESSES-1",
        "id, customer_id, label, is_default, street and country are never null",
        Required(
            "addresses",
            ("id", "customer_id", "label", "is_default", "street", "country"),
        ),
    ),
    rule(
        "ADDRESSES-2",
        "no two have the same id",
        Unique("addresses", ("id",)),
        enforced_by=("addresses_pkey",),
    ),
    rule(
        "ADDRESSES-3",
        "no two have the same customer_id, where is_default",
        Unique(
            "addresses",
            ("customer_id",),
            where="is_default",
            inside=({"is_default": True},),
            outside=({"is_default": False},),
        ),
        enforced_by=("addresses_customer_id_idx",),
    ),
    rule(
        "ADDRESSES-4",
        "no two have the same customer_id and label",
        Unique("addresses", ("customer_id", "label")),
        enforced_by=("addresses_customer_id_label_key",),
    ),
    rule(
        "ADDRESSES-5",
        "customer_id names one of customers, and goes with it",
        References(
            "addresses",
            "customer_id",
            "customers",
            null=False,
            on_delete="cascade",
            on_update="no action",
        ),
        enforced_by=("addresses_customer_id_fkey",),
    ),
    rule(
        "ADDRESSES-6",
        "country: country ~ '^[A-Z]{2}$'::text",
        Check(
            "addresses",
            "NOT (country ~ '^[A-Z]{2}$'::text)",
            legal=each("country", "AA"),
            illegal=each("country", "A", "A_", "_A", "aa", "a", "", " ", "0"),
        ),
        enforced_by=("addresses_country_check",),
    ),
    # TODO: how many rows of addresses may a row of customers have? If not any number,
    # say so: AtMost.
    # categories
    rule(
        "CATEGORIES-1",
        "id, name and slug are never null",
        Required("categories", ("id", "name", "slug")),
    ),
    rule(
        "CATEGORIES-2",
        "no two have the same id",
        Unique("categories", ("id",)),
        enforced_by=("categories_pkey",),
    ),
    rule(
        "CATEGORIES-3",
        "no two have the same slug",
        Unique("categories", ("slug",)),
        enforced_by=("categories_slug_key",),
    ),
    rule(
        "CATEGORIES-4",
        "parent_id names one of categories, which is not deleted while it is named",
        References(
            "categories",
            "parent_id",
            "categories",
            null=False,
            on_delete="no action",
            on_update="no action",
        ),
        enforced_by=("categories_parent_id_fkey",),
    ),
    rule(
        "CATEGORIES-5",
        "id and parent_id: parent_id <> id",
        Check(
            "categories",
            "NOT (parent_id <> id)",
            illegal=(
                {"id": 20001, "parent_id": 20001},
                {"id": 20002, "parent_id": 20002},
            ),
        ),
        enforced_by=("categories_check",),
    ),
    rule(
        "CATEGORIES-6",
        "name: length(name) >= 1 AND length(name) <= 40",
        Check(
            "categories",
            "NOT (length(name) >= 1 AND length(name) <= 40)",
            legal=each("name", "a", "aa", "a" * 40, "a" * 39),
            illegal=each("name", "", "a" * 41),
        ),
        enforced_by=("categories_name_check",),
    ),
    rule(
        "CATEGORIES-7",
        "slug: slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text",
        Check(
            "categories",
            "NOT (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text)",
            illegal=each(
                "slug",
                "",
                "_",
                "A",
                "aa-a_",
                "_a-aa",
                "AA-AA",
                "aaaa-aaaa-aaaa-aaa_",
                "_aaa-aaaa-aaaa-aaaa",
            ),
        ),
        enforced_by=("categories_slug_check",),
    ),
    # TODO: how many rows of categories may a row of categories have? If not any number,
    # say so: AtMost.
    # coupons
    rule(
        "COUPONS-1",
        "code, percent and starts_on are never null",
        Required("coupons", ("code", "percent", "starts_on"), key="code"),
    ),
    rule(
        "COUPONS-2",
        "no two have the same code",
        Unique("coupons", ("code",), key="code"),
        enforced_by=("coupons_pkey",),
    ),
    rule(
        "COUPONS-3",
        "starts_on and ends_on: ends_on >= starts_on",
        Check(
            "coupons",
            "NOT (ends_on >= starts_on)",
            legal=(
                {"starts_on": "2026-01-01", "ends_on": "2026-01-01"},
                {"starts_on": "2026-01-02", "ends_on": "2026-01-02"},
                {"starts_on": "2026-01-01", "ends_on": "2026-01-02"},
                {"starts_on": "2020-02-29", "ends_on": "2020-02-29"},
            ),
            illegal=(
                {"starts_on": "2026-01-02", "ends_on": "2026-01-01"},
                {"starts_on": "2026-01-01", "ends_on": "2020-02-29"},
                {"starts_on": "2026-01-02", "ends_on": "2020-02-29"},
                {"starts_on": "2999-12-31", "ends_on": "2026-01-01"},
                {"starts_on": "2999-12-31", "ends_on": "2026-01-02"},
                {"starts_on": "2999-12-31", "ends_on": "2020-02-29"},
            ),
            key="code",
        ),
        enforced_by=("coupons_check",),
    ),
    rule(
        "COUPONS-4",
        "code: code = upper(code)",
        Check(
            "coupons",
            "NOT (code = upper(code))",
            illegal=each("code", "a", "a@b.co", "a-b", "https://a.co", "nonsense"),
            key="code",
        ),
        enforced_by=("coupons_code_check",),
    ),
    rule(
        "COUPONS-5",
        "percent: percent >= 1 AND percent <= 90",
        Check(
            "coupons",
            "NOT (percent >= 1 AND percent <= 90)",
            legal=each("percent", 1, 90, 2, 89),
            illegal=each("percent", 0, 91, -1, 100),
            key="code",
        ),
        enforced_by=("coupons_percent_check",),
    ),
    # customers
    rule(
        "CUSTOMERS-1",
        "id, email, name, settings, tags and created_at are never null",
        Required(
            "customers",
            ("id", "email", "name", "settings", "tags", "created_at"),
        ),
    ),
    rule(
        "CUSTOMERS-2",
        "no two have the same id",
        Unique("customers", ("id",)),
        enforced_by=("customers_pkey",),
    ),
    rule(
        "CUSTOMERS-3",
        "no two have the same lower(email::text)",
        Unique(
            "customers",
            ("email",),
            by=("lower(email::text)",),
            alike=(({"email": "zz@zz"}, {"email": "ZZ@ZZ"}),),
        ),
        enforced_by=("customers_lower_idx",),
    ),
    rule(
        "CUSTOMERS-4",
        "referred_by names one of customers, and loses it when that is deleted",
        References(
            "customers",
            "referred_by",
            "customers",
            null=False,
            on_delete="set null",
            on_update="no action",
        ),
        enforced_by=("customers_referred_by_fkey",),
    ),
    rule(
        "CUSTOMERS-5",
        "born_on: born_on > '1900-01-01'::date",
        Check(
            "customers",
            "NOT (born_on > '1900-01-01'::date)",
            legal=each("born_on", "1900-01-02", None, "2020-02-29", "2026-01-01"),
            illegal=each("born_on", "1900-01-01", "1899-12-31"),
        ),
        enforced_by=("customers_born_on_check",),
    ),
    rule(
        "CUSTOMERS-6",
        "email: email::text ~~ '%_@_%'::text",
        Check(
            "customers",
            "NOT (email::text ~~ '%_@_%'::text)",
            illegal=each("email", "aaaa", "a@", "aa", "a", "A", "", " ", "0"),
        ),
        enforced_by=("customers_email_check",),
    ),
    rule(
        "CUSTOMERS-7",
        "settings: jsonb_typeof(settings) = 'object'::text",
        Check(
            "customers",
            "NOT (jsonb_typeof(settings) = 'object'::text)",
            legal=each("settings", "{}", '{"a": 1}'),
            illegal=each("settings", "[]", "1", "null", '"a"', "[1]"),
        ),
        enforced_by=("customers_settings_check",),
    ),
    rule(
        "CUSTOMERS-8",
        "tags: cardinality(tags) <= 5",
        Check(
            "customers",
            "NOT (cardinality(tags) <= 5)",
            legal=each("tags", "{a,a,a,a,a}", "{a,a,a,a}", "{}", "{a}"),
            illegal=each("tags", "{a,a,a,a,a,a}"),
        ),
        enforced_by=("customers_tags_check",),
    ),
    # TODO: how many rows of customers may a row of customers have? If not any number,
    # say so: AtMost.
    # order_items
    rule(
        "ORDER-ITEMS-1",
        "order_id, line, product_id, quantity and unit_price are never null",
        Required(
            "order_items",
            ("order_id", "line", "product_id", "quantity", "unit_price"),
            key="(order_id, line)",
        ),
    ),
    rule(
        "ORDER-ITEMS-2",
        "no two have the same order_id and line",
        Unique("order_items", ("order_id", "line"), key="(order_id, line)"),
        enforced_by=("order_items_pkey",),
    ),
    rule(
        "ORDER-ITEMS-3",
        "order_id names one of orders, and goes with it",
        References(
            "order_items",
            "order_id",
            "orders",
            null=False,
            on_delete="cascade",
            on_update="no action",
            key="(order_id, line)",
        ),
        enforced_by=("order_items_order_id_fkey",),
    ),
    rule(
        "ORDER-ITEMS-4",
        "product_id names one of products, which is not deleted while it is named",
        References(
            "order_items",
            "product_id",
            "products",
            null=False,
            on_delete="no action",
            on_update="no action",
            key="(order_id, line)",
        ),
        enforced_by=("order_items_product_id_fkey",),
    ),
    rule(
        "ORDER-ITEMS-5",
        "line: line > 0",
        Check(
            "order_items",
            "NOT (line > 0)",
            legal=each("line", 1, 2, 100),
            illegal=each("line", 0, -1),
            key="(order_id, line)",
        ),
        enforced_by=("order_items_line_check",),
    ),
    rule(
        "ORDER-ITEMS-6",
        "quantity: quantity >= 1 AND quantity <= 99",
        Check(
            "order_items",
            "NOT (quantity >= 1 AND quantity <= 99)",
            legal=each("quantity", 1, 99, 2, 98),
            illegal=each("quantity", 0, 100, -1),
            key="(order_id, line)",
        ),
        enforced_by=("order_items_quantity_check",),
    ),
    rule(
        "ORDER-ITEMS-7",
        "unit_price: unit_price >= 0::numeric",
        Check(
            "order_items",
            "NOT (unit_price >= 0::numeric)",
            legal=each("unit_price", "0", "0.01", "1", "2"),
            illegal=each("unit_price", "-0.01", "-1"),
            key="(order_id, line)",
        ),
        enforced_by=("order_items_unit_price_check",),
    ),
    # TODO: how many rows of order_items may a row of orders or a row of products have?
    # If not any number, say so: AtMost.
    # orders
    rule(
        "ORDERS-1",
        "customer_id, status, currency and placed_at are never null",
        Required("orders", ("customer_id", "status", "currency", "placed_at")),
    ),
    rule(
        "ORDERS-2",
        "no two have the same id",
        Unique("orders", ("id",)),
        enforced_by=("orders_pkey",),
    ),
    rule(
        "ORDERS-3",
        "coupon_code names one of coupons, and loses it when that is deleted",
        References(
            "orders",
            "coupon_code",
            "coupons",
            null=False,
            theirs="code",
            on_delete="set null",
            on_update="cascade",
        ),
        enforced_by=("orders_coupon_code_fkey",),
    ),
    rule(
        "ORDERS-4",
        "customer_id names one of customers, which is not deleted while it is named",
        References(
            "orders",
            "customer_id",
            "customers",
            null=False,
            on_delete="restrict",
            on_update="no action",
        ),
        enforced_by=("orders_customer_id_fkey",),
    ),
    rule(
        "ORDERS-5",
        "status is one of pending, paid, shipped, cancelled",
        Check(
            "orders",
            "status::text NOT IN ('pending', 'paid', 'shipped', 'cancelled')",
            legal=each("status", "pending", "paid", "shipped", "cancelled"),
            illegal=each("status", "nonsense", ""),
        ),
        enforced_by=("type order_status",),
    ),
    rule(
        "ORDERS-6",
        "currency: currency ~ '^[A-Z]{3}$'::text",
        Check(
            "orders",
            "NOT (currency ~ '^[A-Z]{3}$'::text)",
            legal=each("currency", "AAA"),
            illegal=each("currency", "AA", "AA_", "_AA", "aaa", "a", "A", "", " "),
        ),
        enforced_by=("currency_code_check",),
    ),
    rule(
        "ORDERS-7",
        "placed_at and shipped_at: shipped_at >= placed_at",
        Check(
            "orders",
            "NOT (shipped_at >= placed_at)",
            legal=(
                {"placed_at": "2026-01-01Z", "shipped_at": "2026-01-01Z"},
                {
                    "placed_at": "2026-01-01 00:00:00.000001Z",
                    "shipped_at": "2026-01-01 00:00:00.000001Z",
                },
                {
                    "placed_at": "2026-01-01Z",
                    "shipped_at": "2026-01-01 00:00:00.000001Z",
                },
                {"placed_at": "2026-01-02Z", "shipped_at": "2026-01-02Z"},
            ),
            illegal=(
                {
                    "placed_at": "2026-01-01 00:00:00.000001Z",
                    "shipped_at": "2026-01-01Z",
                },
                {
                    "placed_at": "2026-01-02Z",
                    "shipped_at": "2026-01-01 00:00:00.000001Z",
                },
                {"placed_at": "2026-01-02Z", "shipped_at": "2026-01-01Z"},
                {"placed_at": "2026-01-01Z", "shipped_at": "2020-02-29Z"},
                {
                    "placed_at": "2026-01-01 00:00:00.000001Z",
                    "shipped_at": "2020-02-29Z",
                },
                {"placed_at": "2026-01-02Z", "shipped_at": "2020-02-29Z"},
                {"placed_at": "2999-12-31Z", "shipped_at": "2026-01-01Z"},
                {
                    "placed_at": "2999-12-31Z",
                    "shipped_at": "2026-01-01 00:00:00.000001Z",
                },
            ),
        ),
        enforced_by=("orders_check",),
    ),
    rule(
        "ORDERS-8",
        "note: length(note) <= 200",
        Check(
            "orders",
            "NOT (length(note) <= 200)",
            legal=each("note", "a" * 200, "a" * 199, "a", "A"),
            illegal=each("note", "a" * 201),
        ),
        enforced_by=("orders_note_check",),
    ),
    # TODO: may status go from any to any other? If not, say so: Transitions.
    # TODO: how many rows of orders may a row of coupons or a row of customers have? If
    # not any number, say so: AtMost.
    # payments
    rule(
        "PAYMENTS-1",
        "id, order_id, amount and method are never null",
        Required("payments", ("id", "order_id", "amount", "method")),
    ),
    rule(
        "PAYMENTS-2",
        "no two have the same id",
        Unique("payments", ("id",)),
        enforced_by=("payments_pkey",),
    ),
    rule(
        "PAYMENTS-3",
        "no two have the same reference",
        Unique("payments", ("reference",)),
        enforced_by=("payments_reference_key",),
    ),
    rule(
        "PAYMENTS-4",
        "order_id names one of orders, which is not deleted while it is named",
        References(
            "payments",
            "order_id",
            "orders",
            null=False,
            on_delete="no action",
            on_update="no action",
        ),
        enforced_by=("payments_order_id_fkey",),
    ),
    rule(
        "PAYMENTS-5",
        "amount: amount > 0::numeric",
        Check(
            "payments",
            "NOT (amount > 0::numeric)",
            legal=each("amount", "0.01", "1", "2", "100"),
            illegal=each("amount", "0", "-0.01", "-1"),
        ),
        enforced_by=("payments_amount_check",),
    ),
    rule(
        "PAYMENTS-6",
        "card_last4: card_last4 ~ '^[0-9]{4}$'::text",
        Check(
            "payments",
            "NOT (card_last4 ~ '^[0-9]{4}$'::text)",
            legal=each("card_last4", "0000", "1234"),
            illegal=each(
                "card_last4",
                "card",
                "000",
                "000_",
                "_000",
                "car",
                "car_",
                "_ard",
                "CARD",
            ),
        ),
        enforced_by=("payments_card_last4_check",),
    ),
    rule(
        "PAYMENTS-7",
        "method and card_last4: (method = 'card'::text) = (card_last4 IS NOT NULL)",
        Check(
            "payments",
            "NOT ((method = 'card'::text) = (card_last4 IS NOT NULL))",
            legal=(
                {"method": "card", "card_last4": "0000"},
                {"method": "card", "card_last4": "1234"},
                {"method": "bank", "card_last4": None},
                {"method": "cash", "card_last4": None},
            ),
            illegal=(
                {"method": "card", "card_last4": None},
                {"method": "bank", "card_last4": "0000"},
                {"method": "bank", "card_last4": "1234"},
                {"method": "cash", "card_last4": "0000"},
                {"method": "cash", "card_last4": "1234"},
            ),
        ),
        enforced_by=("payments_check",),
    ),
    rule(
        "PAYMENTS-8",
        "method: method = ANY (ARRAY['card'::text, 'bank'::text, 'cash'::text])",
        Check(
            "payments",
            "NOT (method = ANY (ARRAY['card'::text, 'bank'::text, 'cash'::text]))",
            legal=(
                {"method": "bank", "card_last4": None},
                {"method": "cash", "card_last4": None},
                {"method": "card", "card_last4": "0000"},
                {"method": "card", "card_last4": "1234"},
            ),
            illegal=(
                {"method": "cardx", "card_last4": None},
                {"method": "car", "card_last4": None},
                {"method": "xcard", "card_last4": None},
                {"method": "car_", "card_last4": None},
                {"method": "_ard", "card_last4": None},
                {"method": "CARD", "card_last4": None},
                {"method": "cardcard", "card_last4": None},
                {"method": "bankx", "card_last4": None},
            ),
        ),
        enforced_by=("payments_method_check",),
    ),
    # TODO: how many rows of payments may a row of orders have? If not any number, say
    # so: AtMost.
    # product_categories
    rule(
        "PRODUCT-CATEGORIES-1",
        "product_id and category_id are never null",
        Required(
            "product_categories",
            ("product_id", "category_id"),
            key="(product_id, category_id)",
        ),
    ),
    rule(
        "PRODUCT-CATEGORIES-2",
        "no two have the same product_id and category_id",
        Unique(
            "product_categories",
            ("product_id", "category_id"),
            key="(product_id, category_id)",
        ),
        enforced_by=("product_categories_pkey",),
    ),
    rule(
        "PRODUCT-CATEGORIES-3",
        "category_id names one of categories, and goes with it",
        References(
            "product_categories",
            "category_id",
            "categories",
            null=False,
            on_delete="cascade",
            on_update="no action",
            key="(product_id, category_id)",
        ),
        enforced_by=("product_categories_category_id_fkey",),
    ),
    rule(
        "PRODUCT-CATEGORIES-4",
        "product_id names one of products, and goes with it",
        References(
            "product_categories",
            "product_id",
            "products",
            null=False,
            on_delete="cascade",
            on_update="no action",
            key="(product_id, category_id)",
        ),
        enforced_by=("product_categories_product_id_fkey",),
    ),
    # TODO: how many rows of product_categories may a row of categories or a row of
    # products have? If not any number, say so: AtMost.
    # products
    rule(
        "PRODUCTS-1",
        "id, sku, name, price and currency are never null",
        Required("products", ("id", "sku", "name", "price", "currency")),
    ),
    rule(
        "PRODUCTS-2",
        "no two have the same id",
        Unique("products", ("id",)),
        enforced_by=("products_pkey",),
    ),
    rule(
        "PRODUCTS-3",
        "no two have the same sku, where discontinued_on IS NULL",
        Unique(
            "products",
            ("sku",),
            where="discontinued_on IS NULL",
            inside=({"discontinued_on": None},),
            outside=(
                {"discontinued_on": "2026-01-01"},
                {"discontinued_on": "2026-01-02"},
            ),
        ),
        enforced_by=("products_sku_idx",),
    ),
    rule(
        "PRODUCTS-4",
        "currency: currency ~ '^[A-Z]{3}$'::text",
        Check(
            "products",
            "NOT (currency ~ '^[A-Z]{3}$'::text)",
            legal=each("currency", "AAA"),
            illegal=each("currency", "AA", "AA_", "_AA", "aaa", "a", "A", "", " "),
        ),
        enforced_by=("currency_code_check",),
    ),
    rule(
        "PRODUCTS-5",
        "price and list_price: list_price >= price",
        Check(
            "products",
            "NOT (list_price >= price)",
            legal=(
                {"price": "0", "list_price": "0"},
                {"price": "0.01", "list_price": "1"},
                {"price": "1", "list_price": "1"},
                {"price": "2", "list_price": "2"},
            ),
            illegal=(
                {"price": "0.01", "list_price": "0"},
                {"price": "0", "list_price": "-1"},
                {"price": "1", "list_price": "0"},
                {"price": "2", "list_price": "1"},
                {"price": "0.01", "list_price": "-1"},
                {"price": "1", "list_price": "-1"},
                {"price": "2", "list_price": "0"},
                {"price": "2", "list_price": "-1"},
            ),
        ),
        enforced_by=("products_check",),
    ),
    rule(
        "PRODUCTS-6",
        "price: price >= 0::numeric",
        Check(
            "products",
            "NOT (price >= 0::numeric)",
            legal=each("price", "0", "0.01", "1"),
            illegal=each("price", "-0.01", "-1"),
        ),
        enforced_by=("products_price_check",),
    ),
    rule(
        "PRODUCTS-7",
        "sku: sku ~ '^[A-Z]{3}-[0-9]{4}$'::text",
        Check(
            "products",
            "NOT (sku ~ '^[A-Z]{3}-[0-9]{4}$'::text)",
            illegal=each(
                "sku",
                "AAA-0000x",
                "AAA-000",
                "xAAA-0000",
                "AAA-000_",
                "_AA-0000",
                "aaa-0000",
                "AAA0000",
                "AAA-0000AAA-0000",
            ),
        ),
        enforced_by=("products_sku_check",),
    ),
    rule(
        "PRODUCTS-8",
        "weight_g: weight_g > 0",
        Check(
            "products",
            "NOT (weight_g > 0)",
            legal=each("weight_g", 1, 2, 100, None),
            illegal=each("weight_g", 0, -1),
        ),
        enforced_by=("products_weight_g_check",),
    ),
    # reviews
    rule(
        "REVIEWS-1",
        "id, product_id, customer_id and rating are never null",
        Required("reviews", ("id", "product_id", "customer_id", "rating")),
    ),
    rule(
        "REVIEWS-2",
        "no two have the same id",
        Unique("reviews", ("id",)),
        enforced_by=("reviews_pkey",),
    ),
    rule(
        "REVIEWS-3",
        "no two have the same product_id and customer_id",
        Unique("reviews", ("product_id", "customer_id")),
        enforced_by=("reviews_product_id_customer_id_key",),
    ),
    rule(
        "REVIEWS-4",
        "customer_id names one of customers, which is not deleted while it is named",
        References(
            "reviews",
            "customer_id",
            "customers",
            null=False,
            on_delete="no action",
            on_update="no action",
        ),
        enforced_by=("reviews_customer_id_fkey",),
    ),
    rule(
        "REVIEWS-5",
        "product_id names one of products, which is not deleted while it is named",
        References(
            "reviews",
            "product_id",
            "products",
            null=False,
            on_delete="no action",
            on_update="no action",
        ),
        enforced_by=("reviews_product_id_fkey",),
    ),
    rule(
        "REVIEWS-6",
        "rating: rating >= 1 AND rating <= 5",
        Check(
            "reviews",
            "NOT (rating >= 1 AND rating <= 5)",
            legal=each("rating", 1, 5, 2, 4),
            illegal=each("rating", 0, 6, -1, 100),
        ),
        enforced_by=("reviews_rating_check",),
    ),
    # TODO: how many rows of reviews may a row of customers or a row of products have?
    # If not any number, say so: AtMost.
    # sales
    rule(
        "SALES-1",
        "id, name and during are never null",
        Required("sales", ("id", "name", "during")),
    ),
    rule(
        "SALES-2",
        "no two have the same id",
        Unique("sales", ("id",)),
        enforced_by=("sales_pkey",),
    ),
    rule(
        "SALES-3",
        "no two meet: during &&",
        Excludes("sales", ("during",), ("&&",)),
        enforced_by=("sales_during_excl",),
    ),
    rule(
        "SALES-4",
        "during: NOT isempty(during)",
        Check("sales", "NOT (NOT isempty(during))", illegal=each("during", "empty")),
        enforced_by=("sales_during_check",),
    ),
    # TODO: what no constraint says: which columns never change (Fixed), what a status
    # may become (Transitions), how many there may be (AtMost), what sums or counts must
    # agree (Query).
)

# Legal values of columns with conditions. Other columns get values of their types.
VALUES = {
    "addresses.country": ("AA",),
    "categories.name": ("a", "aa", "a" * 40),
    "categories.slug": Series("aa-aa"),
    "coupons.code": Series("AA"),
    "coupons.ends_on": ("2026-01-02", "2999-12-31", None),
    "coupons.percent": (1, 2, 89),
    "coupons.starts_on": ("2026-01-01", "2026-01-02", "2020-02-29"),
    "customers.born_on": ("1900-01-02", "2026-01-01", "2026-01-02"),
    "customers.email": Series("aa@aa"),
    "customers.settings": ("{}", '{"a": 1}'),
    "customers.tags": ("{a,a,a,a,a}", "{a,a,a,a}", "{}"),
    "order_items.line": (1, 2, 100),
    "order_items.quantity": (1, 2, 98),
    "order_items.unit_price": ("0", "0.01", "1"),
    "orders.currency": ("AAA",),
    "orders.note": ("a" * 200, "a" * 199, "a"),
    "orders.placed_at": ("2026-01-01Z", "2026-01-01 00:00:00.000001Z", "2020-02-29Z"),
    "orders.shipped_at": ("2026-01-01 00:00:00.000001Z", "2026-01-02Z", "2999-12-31Z"),
    "payments.amount": ("0.01", "1", "2"),
    "payments.card_last4": ("0000", "1234"),
    "payments.method": ("card",),
    "products.currency": ("AAA",),
    "products.list_price": ("1", "2", "100"),
    "products.price": ("0", "0.01", "1"),
    "products.sku": Series("AAA-0000"),
    "products.weight_g": (1, 2, 100),
    "reviews.rating": (1, 2, 4),
}

DOMAIN = domain.of(
    "shop",
    RULES,
    Path(__file__).with_name("migrations"),
    values=VALUES,
    varies=True,
)

# What the catalogue has, and no rule above says:
# - length of addresses.country: a refusal of character(2) names no column
# - length of customers.email: a refusal of character varying(120) names no column
# - length of payments.card_last4: a refusal of character(4) names no column
