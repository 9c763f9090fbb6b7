"""RULEBOOK AUTH-1: every command tried by every role, by a foreign buyer and by a foreign seller."""

import pytest

from book import Book

ROLES = ("buyer", "seller", "warehouse", "carrier", "marketplace", "system")
IDS = {"buyer": "B1", "seller": "M1"}
PACKING = {"contents": [{"order_id": "O1", "items": "all"}], "carrier": {"name": "Carrier", "kind": "own"}}
ALL = {"order_id": "O1", "items": "all"}
RETURN = {"return_id": "O1:return:1"}
RECEIVED = RETURN | {"received": [{"item_id": "A", "quantity": 1, "condition": "unopened"}]}
ANSWER = {"request_id": "O1:request:1", "approve": True}
PAYOUT = {"refund_id": "O1:refund:1", "payment_id": "P1"}
PLACE = {
    "order_id": "O2",
    "buyer_id": "B1",
    "seller_id": "M1",
    "fulfilled_by": "marketplace",
    "currency": "USD",
    "items": [{"item_id": "A", "sku": "a", "quantity": 1, "unit_price": 2000}],
    "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 2000}],
}

# Steps that bring order O1 (one unit A of seller M1's, buyer B1) to where a command applies.
STEPS = {
    "packed": [("pack-shipment", {"shipment_id": "S1"} | PACKING)],
    "asked": [("request-cancellation", ALL)],
    "shipped": [("dispatch-shipment", {"shipment_id": "S1"} | PACKING)],
    "out": [("start-delivery", {"shipment_id": "S1"})],
    "delivered": [("deliver", {"shipment_id": "S1"})],
    "refused": [("refuse-delivery", {"shipment_id": "S1"})],
    "in-return": [("start-return", ALL | {"reason": "damaged"})],
    "handed-over": [("hand-over-return", RETURN)],
    "cancelled": [("cancel-items", ALL | {"actor": "marketplace"})],
    "claimed": [("file-claim", ALL)],
}
CARRIERS = {"carrier", "marketplace"}
ONES_OWN = {"warehouse": "marketplace", "seller": "seller"}  # who acts for the fulfiller, by who fulfils

KEEPERS = {"warehouse", "seller", "marketplace"}
EITHER = ("marketplace", "seller")
# The command, its fields, the steps before it, who may (of warehouse and seller only the one that fulfils the
# order), and by whom the order is fulfilled.
CASES = [
    ("place-order", PLACE, [], {"marketplace"}, EITHER),
    ("cancel-items", ALL, [], {"buyer", "seller", "marketplace"}, EITHER),
    ("request-cancellation", ALL, [], {"buyer"}, EITHER),
    ("request-cancellation", ALL, ["packed"], {"buyer"}, EITHER),
    ("answer-cancellation", ANSWER, ["packed", "asked"], KEEPERS, EITHER),
    ("answer-cancellation", ANSWER, ["shipped", "asked"], CARRIERS, ("marketplace",)),
    ("pack-shipment", {"shipment_id": "S1"} | PACKING, [], KEEPERS, EITHER),
    ("unpack-shipment", {"shipment_id": "S1"}, ["packed"], KEEPERS, EITHER),
    ("dispatch-shipment", {"shipment_id": "S1"}, ["packed"], KEEPERS | {"carrier"}, EITHER),
    ("start-delivery", {"shipment_id": "S1"}, ["shipped"], CARRIERS, EITHER),
    ("fail-attempt", {"shipment_id": "S1"}, ["shipped", "out"], CARRIERS, EITHER),
    ("deliver", {"shipment_id": "S1"}, ["shipped"], CARRIERS, EITHER),
    ("refuse-delivery", {"shipment_id": "S1"}, ["shipped"], CARRIERS, EITHER),
    ("turn-back", {"shipment_id": "S1"}, ["shipped"], CARRIERS, EITHER),
    ("lose-shipment", {"shipment_id": "S1"}, ["shipped"], CARRIERS, EITHER),
    ("start-return", ALL | {"reason": "other"}, ["shipped", "delivered"], {"buyer"}, EITHER),
    ("withdraw-return", RETURN, ["shipped", "delivered", "in-return"], {"buyer"}, EITHER),
    ("hand-over-return", RETURN, ["shipped", "delivered", "in-return"], CARRIERS | {"buyer"}, EITHER),
    ("receive-return", RECEIVED, ["shipped", "delivered", "in-return"], KEEPERS, EITHER),
    ("receive-return", {"shipment_id": "S1"}, ["shipped", "refused"], KEEPERS, EITHER),
    ("lose-return", RETURN, ["shipped", "delivered", "in-return", "handed-over"], CARRIERS, EITHER),
    ("submit-payout", PAYOUT, ["cancelled"], {"seller", "marketplace"}, EITHER),
    (
        "report-payout",
        PAYOUT | {"outcome": "paid", "reference": "R1"},
        ["cancelled"],
        {"seller", "marketplace"},
        EITHER,
    ),
    ("file-claim", ALL, [], {"buyer"}, ("seller",)),
    ("decide-claim", {"claim_id": "O1:claim:1", "approve": True}, ["claimed"], {"marketplace"}, ("seller",)),
    ("withdraw-claim", {"claim_id": "O1:claim:1"}, ["claimed"], {"buyer"}, ("seller",)),
    ("pass-time", {}, [], {"system"}, EITHER),
]
WORLDS = [(*case[:4], fulfilled_by) for case in CASES for fulfilled_by in case[4]]


def name(case):
    return f"{case[0]}-{'-'.join(case[2]) or 'placed'}-{case[4]}"


CASE = pytest.mark.parametrize("case", WORLDS, ids=name)


def may(role, case):
    allowed, fulfilled_by = case[3], case[4]
    return role in allowed and ONES_OWN.get(role, fulfilled_by) == fulfilled_by


def world(case):
    """The book with O1 brought to where the command applies, and the command's time."""
    command, fulfilled_by = case[0], case[4]
    late = command in ("file-claim", "decide-claim", "withdraw-claim")
    book = Book()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by=fulfilled_by, at="10:00")
    # after the seller's window, so that requests go to somebody; a claim needs thirty days of nothing
    steps = [step for group in case[2] for step in STEPS[group]]
    for minute, (step, fields) in enumerate(steps):
        book.accept(step, at=f"{'+30d 11' if late else '11'}:{minute:02}", **fields)
    return book, "+30d 12:00" if late else "10:20" if command == "cancel-items" else "12:00"


@CASE
@pytest.mark.parametrize("role", ROLES)
def test_auth_1_each_command_belongs_to_its_roles(case, role):
    book, at = world(case)
    before = book.show("O1")
    identity = {"actor_id": IDS[role]} if role in IDS else {}
    result = book.run(case[0], at=at, actor=role, **identity, **case[1])
    if may(role, case):
        assert result["status"] == "accepted", result
    else:
        assert (result["status"], result.get("rule")) == ("rejected", "AUTH-1"), result
        after = book.show("O1")
        # deadlines that passed meanwhile are recorded by a rejected command all the same (TIME-1)
        assert [after[key] for key in ("refunds", "returns", "requests", "claims")] == [
            before[key] for key in ("refunds", "returns", "requests", "claims")
        ]
        assert book.run(case[0], at=at, **case[1])["status"] == "accepted"


FOREIGN = [
    pytest.param(case, role, foreign, id=f"{name(case)}-{role}")
    for case in WORLDS
    for role, foreign in (("buyer", "B2"), ("seller", "M2"))
    if may(role, case)
]


@pytest.mark.parametrize(("case", "role", "foreign"), FOREIGN)
def test_auth_1_buyer_and_seller_act_only_on_their_own_orders(case, role, foreign):
    book, at = world(case)
    book.reject(case[0], "AUTH-1", at=at, actor=role, actor_id=foreign, **case[1])
    assert book.run(case[0], at=at, actor=role, actor_id=IDS[role], **case[1])["status"] == "accepted"


@CASE
def test_auth_1_an_actor_left_out_is_the_natural_one_and_an_id_left_out_is_not_checked(case):
    book, at = world(case)
    book.accept(case[0], at=at, **case[1])
    for role in case[3]:
        if may(role, case):
            book, at = world(case)
            book.accept(case[0], at=at, actor=role, **case[1])


@pytest.mark.parametrize("actor_id", ["B2", "M2", "nobody"])
def test_auth_1_an_id_without_an_actor_is_not_checked(actor_id):
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.accept("cancel-items", at="10:05", actor_id=actor_id, **ALL)


@pytest.mark.parametrize(
    ("fulfilled_by", "wrong"), [("marketplace", "seller"), ("marketplace", "carrier"), ("seller", "warehouse")]
)
def test_auth_1_an_answer_comes_from_the_party_asked(fulfilled_by, wrong):
    book, _ = world(("answer-cancellation", ANSWER, ["packed", "asked"], KEEPERS, fulfilled_by))
    book.reject("answer-cancellation", "AUTH-1", at="12:00", actor=wrong, **ANSWER)
    assert book.show("O1")["requests"][0]["status"] == "open"


def test_auth_1_a_foreign_buyer_or_seller_has_no_part_in_a_parcel_of_several_orders():
    book = Book()
    for order_id in ("O1", "O2"):
        book.place(order_id, items={"A": 2000}, seller="M1", fulfilled_by="seller", at="10:00")
    both = [{"order_id": order_id, "items": "all"} for order_id in ("O1", "O2")]
    fields = {"shipment_id": "S1", "contents": both, "carrier": PACKING["carrier"], "at": "11:00"}
    book.reject("pack-shipment", "AUTH-1", actor="seller", actor_id="M2", **fields)
    book.accept("pack-shipment", actor="seller", actor_id="M1", **fields)


def test_auth_1_is_asked_after_order_2_and_before_time_2_order_5_and_the_commands_own_rules():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.reject("cancel-items", "ORDER-2", order_id="O9", items="all", actor="carrier", at="11:00")
    book.reject("cancel-items", "AUTH-1", actor="carrier", at="09:00", **ALL)
    book.reject("cancel-items", "TIME-2", at="09:00", **ALL)
    book.ship("S1", contents={"O1": "all"}, at="12:00")
    book.reject("cancel-items", "AUTH-1", actor="carrier", at="13:00", **ALL)
    book.reject("unpack-shipment", "AUTH-1", shipment_id="S1", actor="buyer", at="13:00")


def test_auth_1_is_asked_before_order_5():
    book, _ = world(("answer-cancellation", ANSWER, ["packed", "asked"], KEEPERS, "marketplace"))
    book.accept("answer-cancellation", at="12:00", **ANSWER)
    book.reject("answer-cancellation", "AUTH-1", at="13:00", actor="carrier", **ANSWER)
    book.reject("answer-cancellation", "ORDER-5", at="13:00", actor="warehouse", **ANSWER)
