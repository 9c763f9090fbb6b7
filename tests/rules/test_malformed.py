"""Every field of every command, missing, misspelt, ill-typed or out of range, is `invalid`, and named."""

import pytest

from book import Book

NAN = float("nan")
LONG = "x" * 201
NOT_TEXT = [5, True, 1.5, NAN, [], {}]
BAD = {
    "id": [*NOT_TEXT, "", LONG, "a\nb", "a\tb", "a\x00b", "a\x7fb", "a\ud800b"],
    "derived": [*NOT_TEXT, "", "x" * 300, "a\nb", "a\x00b", "a\ud800b"],  # an order's id and a suffix
    "text": NOT_TEXT,
    "code": [*NOT_TEXT, "", "Changed-Mind", "two words", "a_b", "ä", "a" * 41],
    "bool": ["true", "yes", 1, 0, 1.0, [], {}],
    "quantity": ["1", True, 1.5, NAN, [], {}, 0, -1, 10**30],
    "paid": ["1", True, 1.5, NAN, [], {}, 0, -1, 10**30],
    "amount": ["1", True, False, 1.5, NAN, [], {}, -1, 10**30],
    "currency": [*NOT_TEXT, "", "usd", "US", "USDD", "U1D", "€"],
    "fulfiller": [*NOT_TEXT, "", "Seller", "amazon"],
    "kind": [*NOT_TEXT, "", "Own", "van"],
    "scope": [*NOT_TEXT, "", "Parcel", "shipment"],
    "outcome": [*NOT_TEXT, "", "Paid", "submitted"],
    "condition": [*NOT_TEXT, "", "Opened", "damaged"],
    "why": [*NOT_TEXT, "", "changed_mind", "no-reason"],
    "refund-to": [*NOT_TEXT, "", "card"],
    "units": [
        5, True, NAN, [], {}, "", "ALL", "A", ["A"],
        *({"A": bad} for bad in (0, -1, 1.5, True, "1", None, 10**30, NAN, "all")), {"": 1}, {LONG: 1}, {"a\nb": 1},
    ],
    "list": [5, True, "", "all", {}, [], [5], [None], ["A"], [[]], [{}]],
    "object": [5, True, "Carrier", [], {}],
    "time": [5, True, 1767607200, "", "yesterday", "2026-01-05", "2026-01-05T10:00:00", "2026-02-30T10:00:00Z",
             "2026-01-05T25:00:00Z", "2026-01-05T10:00:00+99:00"],
    "role": [*NOT_TEXT, "", "Buyer", "admin"],
}  # fmt: skip

LINE = {
    "item_id": "id", "sku": "text", "quantity": "quantity", "unit_price": "amount",
    "tax?": "amount", "shipping?": "amount", "discount?": "amount", "category?": "text", "title?": "text",
}  # fmt: skip
PAYMENT = {"payment_id": "id", "method": "text", "amount": "paid"}
PART = {"order_id": "id", "items": "units"}
CARRIER = {"name": "text", "kind": "kind"}
GOODS = {"item_id": "id", "quantity": "quantity", "condition": "condition"}
CANCEL = {"order_id": "id", "items": "units", "reason?": "code", "accept_cascade?": "bool"}
PACK = {"shipment_id": "id", "contents": [PART], "carrier": CARRIER, "tracking_number?": "text", "mail_class?": "text"}
REPORT = {"shipment_id": "id", "reason?": "code"}
COMMANDS = {
    "place-order": {
        "order_id": "id", "buyer_id": "id", "seller_id?": "id", "fulfilled_by": "fulfiller", "currency": "currency",
        "items": [LINE], "payments": [PAYMENT],
    },
    "cancel-items": CANCEL,
    "request-cancellation": CANCEL,
    "answer-cancellation": {"request_id": "derived", "approve": "bool", "scope?": "scope", "reason?": "code"},
    "pack-shipment": PACK,
    "unpack-shipment": {"shipment_id": "id"},
    "dispatch-shipment": PACK,
    **dict.fromkeys(
        ["start-delivery", "fail-attempt", "deliver", "refuse-delivery", "turn-back", "lose-shipment"], REPORT
    ),
    "start-return": {"order_id": "id", "items": "units", "reason": "why", "refund_to?": "refund-to"},
    "withdraw-return": {"return_id": "derived"},
    "hand-over-return": {"return_id": "derived", "tracking_number?": "text"},
    "receive-return": {"return_id": "derived", "received": [GOODS]},
    "lose-return": {"return_id": "derived"},
    "submit-payout": {"refund_id": "derived", "payment_id": "id"},
    "report-payout": {
        "refund_id": "derived", "payment_id": "id", "outcome": "outcome", "reference": "id", "amount?": "amount",
        "reason?": "code",
    },
    "file-claim": {"order_id": "id", "items": "units", "reason?": "code"},
    "decide-claim": {"claim_id": "derived", "approve": "bool", "reason?": "code"},
    "withdraw-claim": {"claim_id": "derived"},
    "pass-time": {},
}  # fmt: skip
GOOD = {
    "id": "X1", "derived": "X1:request:1", "text": "some-text", "code": "a-reason", "bool": True,
    "quantity": 1, "paid": 1000, "amount": 1000,
    "currency": "USD", "fulfiller": "marketplace", "kind": "own", "scope": "parcel", "outcome": "paid",
    "condition": "opened", "why": "other", "refund-to": "original", "units": {"A": 1},
}  # fmt: skip


def valid(shape):
    """A value of the shape, with its required fields only."""
    if isinstance(shape, dict):
        return {key: valid(kind) for key, kind in shape.items() if not key.endswith("?")}
    return [valid(shape[0])] if isinstance(shape, list) else GOOD[shape]


def breaks(shape):
    """Every way to break one field: what, the whole broken value, the names of which the reason cites one."""
    whole = valid(shape)
    for key, kind in shape.items():
        field, optional = key.rstrip("?"), key.endswith("?")
        rest = {name: value for name, value in whole.items() if name != field}
        if not optional:
            yield f"{field} missing", rest, (field,)
            yield f"{field} null", whole | {field: None}, (field,)
        misspelt = field + "x"
        yield f"{field} misspelt", rest | {misspelt: valid(kind)}, (field, misspelt)
        for bad in BAD["list" if isinstance(kind, list) else "object" if isinstance(kind, dict) else kind]:
            if field != "payments" or bad != []:  # a question of two fields: ORDER-3
                yield f"{field} {bad!r:.20}", whole | {field: bad}, (field,)
        if isinstance(kind, list | dict):
            [inner] = kind if isinstance(kind, list) else [kind]
            for what, value, names in breaks(inner):
                yield f"{field}.{what}", whole | {field: [value] if isinstance(kind, list) else value}, names


BROKEN = [
    pytest.param(command, fields, names, id=f"{command} {what!a}")
    for command, shape in COMMANDS.items()
    for what, fields, names in breaks(shape)
]


@pytest.mark.parametrize(("command", "fields", "names"), BROKEN)
def test_a_malformed_field_is_invalid_and_named(command, fields, names):
    book = Book()
    result = book.run(command, at="10:00", **fields)
    assert result["status"] == "invalid", result
    assert any(name in result["reason"] for name in names), result["reason"]
    assert not result.get("events")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_well_formed_is_accepted_or_answered_by_a_rule(command):
    fields = valid(COMMANDS[command])
    result = Book().run(command, at="10:00", **fields)
    expected = ("accepted", None) if command in ("place-order", "pass-time") else ("rejected", "ORDER-2")
    assert (result["status"], result.get("rule")) == expected, result


@pytest.mark.parametrize("command", COMMANDS)
def test_null_for_an_optional_field_is_as_if_it_were_absent(command):
    absent = {key.rstrip("?"): None for key in COMMANDS[command] if key.endswith("?")}
    result = Book().run(command, at="10:00", **valid(COMMANDS[command]), **absent, actor=None, actor_id=None)
    assert result["status"] != "invalid", result


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("extra", ["colour", "Order_id", "order-id", "at_", "version", ""])
def test_an_unknown_field_is_invalid(command, extra):
    result = Book().run(command, at="10:00", **valid(COMMANDS[command]), **{extra: "X1"})
    assert result["status"] == "invalid"
    assert extra in result["reason"]


@pytest.mark.parametrize(
    ("field", "kind"), [("at", "time"), ("command_id", "id"), ("actor", "role"), ("actor_id", "id")]
)
def test_a_malformed_common_field_is_invalid(field, kind):
    for bad in BAD[kind]:
        result = Book().run("cancel-items", **({"at": "10:00", "order_id": "O1", "items": "all"} | {field: bad}))
        assert result["status"] == "invalid", (bad, result)
        assert field in result["reason"], (bad, result)


@pytest.mark.parametrize("field", ["command", "command_id", "at"])
@pytest.mark.parametrize("null", [True, False])
def test_a_missing_common_field_is_invalid(field, null):
    raw = {"command": "pass-time", "command_id": "c", "at": "2026-01-05T10:00:00Z"}
    assert Book().run_raw(raw)["status"] == "accepted"
    absent = {field: None} if null else {}
    result = Book().run_raw({key: value for key, value in raw.items() if key != field} | absent)
    assert result["status"] == "invalid"
    assert field in result["reason"]


@pytest.mark.parametrize("raw", [None, [], "pass-time", 5, True, {}])
def test_a_command_is_an_object_with_a_command(raw):
    assert Book().run_raw(raw)["status"] == "invalid"


@pytest.mark.parametrize(
    "command", [5, True, None, ["pass-time"], {}, "cancel-item", "Cancel-Items", "cancel_items", "", " "]
)
def test_an_unknown_command_is_invalid(command):
    result = Book().run(command, at="10:00", order_id="O1", items="all")
    assert result["status"] == "invalid"
    assert "command" in result["reason"]


PLACED = valid(COMMANDS["place-order"])
PARCEL = valid(COMMANDS["pack-shipment"])
GOODS_IN = valid(COMMANDS["receive-return"])


@pytest.mark.parametrize(
    ("command", "fields", "name"),
    [
        ("place-order", PLACED | {"fulfilled_by": "seller"}, "seller_id"),
        ("place-order", PLACED | {"fulfilled_by": "seller", "seller_id": None}, "seller_id"),
        ("place-order", PLACED | {"payments": [PLACED["payments"][0] | {"payment_id": "store-credit"}]}, "payment_id"),
        ("dispatch-shipment", {"shipment_id": "S1", "contents": PARCEL["contents"]}, "carrier"),
        ("dispatch-shipment", {"shipment_id": "S1", "carrier": PARCEL["carrier"]}, "contents"),
        ("dispatch-shipment", {"shipment_id": "S1", "tracking_number": "T1"}, "contents"),
        ("dispatch-shipment", {"shipment_id": "S1", "mail_class": "first-class"}, "contents"),
        ("receive-return", {}, "return_id"),
        ("receive-return", {"received": GOODS_IN["received"]}, "return_id"),
        ("receive-return", {"return_id": "R1"}, "received"),
        ("receive-return", GOODS_IN | {"shipment_id": "S1"}, "shipment_id"),
        ("receive-return", {"shipment_id": "S1", "received": GOODS_IN["received"]}, "received"),
    ],
)
def test_fields_that_belong_together_come_together(command, fields, name):
    result = Book().run(command, at="10:00", **fields)
    assert result["status"] == "invalid", result
    assert name in result["reason"]


FINE = ["x" * 200, "a:b", "a/b", "a b", "O1:request:1", "Ünïcode", "📦", '"quoted"', "a\\b", "order:O1", "..", "%00"]


@pytest.mark.parametrize("order_id", FINE)
def test_any_printable_id_of_up_to_two_hundred_characters_works_also_in_the_ids_derived_from_it(order_id):
    book = Book()
    book.place(order_id, items={"A": 2000}, at="10:00")
    book.ship(order_id, contents={order_id: "all"}, kind="own", at="11:00")
    book.accept("request-cancellation", order_id=order_id, items="all", at="12:00")
    [request] = book.show(order_id)["requests"]
    assert request["request_id"] == f"{order_id}:request:1"
    book.accept("answer-cancellation", request_id=request["request_id"], approve=True, at="13:00")
    [refund] = book.show(order_id)["refunds"]
    paid = {"refund_id": refund["refund_id"], "payment_id": "P1", "outcome": "paid", "reference": order_id}
    book.accept("report-payout", at="14:00", **paid)
    assert book.show(order_id)["state"] == "refunded"


@pytest.mark.parametrize("fine", FINE)
def test_any_printable_id_works_for_items_buyers_payments_and_commands(fine):
    items = [PLACED["items"][0] | {"item_id": fine}]
    payments = [PLACED["payments"][0] | {"payment_id": fine}]
    changes = {"buyer_id": fine, "seller_id": fine, "command_id": fine, "items": items, "payments": payments}
    book = Book()
    book.accept("place-order", at="10:00", **(PLACED | changes))
    book.accept("cancel-items", at="10:05", order_id="X1", items={fine: 1}, actor="buyer", actor_id=fine)


@pytest.mark.parametrize("at", ["2026-01-05T10:00:00Z", "2026-01-05T11:00:00+01:00", "2026-01-05T04:30:00.000-05:30"])
def test_any_offset_is_a_time_and_is_compared_in_utc(at):
    book = Book()
    book.accept("place-order", at=at, **PLACED)
    assert book.show("X1")["placed_at"] == "2026-01-05T10:00:00Z"


def test_a_malformed_command_records_nothing_and_does_not_use_up_its_command_id():
    book = Book()
    book.accept("place-order", at="10:00", **PLACED)
    before = book.show("X1")
    assert book.run("cancel-items", at="10:05", command_id="c", order_id="X1", items={"A": 0})["status"] == "invalid"
    assert book.show("X1") == before
    assert book.run("cancel-items", at="10:05", command_id="c", order_id="X1", items="all")["status"] == "accepted"
