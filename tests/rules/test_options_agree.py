"""Options never disagree with what `run` then does, in many situations and on both sides of their deadlines."""

import pytest

from book import Book

OWN = {"name": "Vans", "kind": "own"}
PARTNER = {"name": "Post", "kind": "partner"}
MARKETPLACE = [("place", None)]
SELLER = [("place", "M1")]


def packed(carrier, items="all"):
    return [
        (
            "pack-shipment",
            {"shipment_id": "S1", "contents": [{"order_id": "O1", "items": items}], "carrier": carrier, "at": "10:20"},
        )
    ]


def dispatched(carrier, items="all"):
    return [*packed(carrier, items), ("dispatch-shipment", {"shipment_id": "S1", "at": "12:00"})]


def combined(carrier):
    return [
        (
            "pack-shipment",
            {
                "shipment_id": "S1",
                "contents": [{"order_id": "O1", "items": {"A": 1}}, {"order_id": "O2", "items": "all"}],
                "carrier": carrier,
                "at": "10:20",
            },
        )
    ]


def step(command, at="13:00", **fields):
    return [(command, {"at": at, **fields})]


REQUEST = step("request-cancellation", "11:00", order_id="O1", items={"A": 1}, accept_cascade=True)
DELIVERED = [*dispatched(OWN), *step("deliver", "14:00", shipment_id="S1")]
RETURN = [*DELIVERED, *step("start-return", "15:00", order_id="O1", items={"A": 1}, reason="changed-mind")]
HANDED_OVER = [*RETURN, *step("hand-over-return", "16:00", return_id="O1:return:1")]
SELLER_CANCEL = step("cancel-items", "12:00", order_id="O1", items={"A": 2}, actor="seller", actor_id="M1")
CLAIM = step("file-claim", "+30d 11:00", order_id="O1", items={"A": 1})

LIVES = {
    "placed": MARKETPLACE,
    "packed": MARKETPLACE + packed(OWN),
    "partly packed": MARKETPLACE + packed(OWN, {"A": 1}),
    "packed with another order": MARKETPLACE + combined(OWN),
    "packed and requested": MARKETPLACE + packed(OWN) + REQUEST,
    "with the own carrier": MARKETPLACE + dispatched(OWN),
    "with a partner carrier": MARKETPLACE + dispatched(PARTNER),
    "partly dispatched": MARKETPLACE + dispatched(PARTNER, {"A": 1}),
    "out for delivery": MARKETPLACE + dispatched(OWN) + step("start-delivery", shipment_id="S1"),
    "refused": MARKETPLACE + dispatched(OWN) + step("refuse-delivery", shipment_id="S1"),
    "turned back": MARKETPLACE + dispatched(PARTNER) + step("turn-back", shipment_id="S1"),
    "delivered": MARKETPLACE + DELIVERED,
    "in return": MARKETPLACE + RETURN,
    "handed over": MARKETPLACE + HANDED_OVER,
    "lost": MARKETPLACE + dispatched(OWN) + step("lose-shipment", shipment_id="S1"),
    "with the seller": SELLER,
    "packed by the seller": SELLER + packed(PARTNER),
    "packed by the seller with another order": SELLER + combined(PARTNER),
    "asked of the seller": SELLER + REQUEST,
    "under way from the seller": SELLER + dispatched(PARTNER),
    "delivered by the seller": SELLER + DELIVERED,
    "handed over to the seller": SELLER + HANDED_OVER,
    "cancelled by the seller": SELLER + SELLER_CANCEL,
    "claimed": SELLER + CLAIM,
    "granted": SELLER + CLAIM + step("decide-claim", "+30d 12:00", claim_id="O1:claim:1", approve=True),
    "denied": SELLER + CLAIM + step("decide-claim", "+30d 12:00", claim_id="O1:claim:1", approve=False),
}
EARLY = ["10:25", "10:30", "10:30:00.001", "16:30"]
LATE = [
    "+2d 11:00",
    "+2d 11:00:00.001",
    "+15d 16:00",
    "+15d 16:00:00.001",
    "+30d 10:00:00.001",
    "+30d 14:00",
    "+30d 14:00:00.001",
    "+30d 16:00:00.001",
    "+45d 12:00",
    "+45d 12:00:00.001",
    "+45d 14:00:00.001",
    "+90d 10:00",
    "+90d 10:00:00.001",
]


def live(name):
    book = Book()
    (_, seller), *steps = LIVES[name]
    fulfilled_by = "seller" if seller else "marketplace"
    for order_id in ("O1", "O2"):
        book.place(
            order_id,
            items={"A": {"quantity": 2, "unit_price": 2000, "tax": 101}, "B": 3000},
            at="10:00",
            seller=seller,
            fulfilled_by=fulfilled_by,
        )
    for command, fields in steps:
        book.accept(command, **fields)
    return book


def moment(at):
    """A sortable form of the harness's times."""
    days, _, clock = at.rpartition(" ")
    return int(days[1:-1] or 0) if days else 0, clock


def last_step(name):
    steps = LIVES[name][1:]
    return steps[-1][1]["at"] if steps else "10:00"


CASES = [(name, at) for name in LIVES for at in [*EARLY, *LATE] if moment(at) >= moment(last_step(name))]


def order_command(offer, items):
    fields = {"order_id": "O1", "items": items}
    if offer["action"] in ("cancel-items", "request-cancellation"):
        fields["accept_cascade"] = bool(offer.get("cascade"))
    if offer["action"] == "start-return":
        fields["reason"] = "damaged"
    return fields


ON_ITEMS = ("cancel-items", "request-cancellation", "start-return", "file-claim")


@pytest.mark.parametrize(("name", "at"), CASES)
def test_options_what_is_offered_is_accepted_and_what_is_not_is_rejected_by_the_same_rule(name, at):
    for offer in live(name).options("O1", at=at)["options"]:
        if offer["action"] not in ON_ITEMS:
            continue
        book = live(name)
        if offer["allowed"]:
            result = book.run(offer["action"], at=at, **order_command(offer, offer["items"]))
            assert result["status"] == "accepted", offer
            assert offer["rule"] in [event["rule"] for event in result["events"]], offer
        elif offer["action"] == "request-cancellation" and offer["rule"] in ("CANCEL-1", "SELLER-1"):
            # Nobody need be asked: a request simply cancels what can be cancelled directly.
            fields = order_command(offer, "all") | {"accept_cascade": True}
            result = book.run("request-cancellation", at=at, **fields)
            assert (result["status"], book.show("O1")["requests"]) == ("accepted", []), offer
        else:
            result = book.run(offer["action"], at=at, **order_command(offer, "all"))
            assert (result["status"], result.get("rule")) == ("rejected", offer["rule"]), offer
            assert result.get("advice") == offer.get("advice"), offer


@pytest.mark.parametrize(("name", "at"), CASES)
def test_options_what_all_means_is_what_the_option_lists(name, at):
    for offer in live(name).options("O1", at=at)["options"]:
        if offer["action"] not in ("cancel-items", "start-return", "file-claim") or not offer["allowed"]:
            continue
        named, everything = live(name), live(name)
        one = named.run(offer["action"], at=at, **order_command(offer, offer["items"]))
        other = everything.run(offer["action"], at=at, **order_command(offer, "all"))
        assert (one["status"], one["events"]) == (other["status"], other["events"])
        assert named.show("O1") == everything.show("O1")


@pytest.mark.parametrize(("name", "at"), CASES)
def test_options_a_direct_cancellation_brings_the_refund_that_the_option_promised(name, at):
    book = live(name)
    (offer,) = [each for each in book.options("O1", at=at)["options"] if each["action"] == "cancel-items"]
    if offer["allowed"]:
        book.accept("pass-time", at=at)
        made = len(book.show("O1")["refunds"])
        book.accept("cancel-items", at=at, **order_command(offer, offer["items"]))
        (refund,) = book.show("O1")["refunds"][made:]
        assert (refund["amount"], refund["status"] == "deferred") == (
            offer["refund"]["amount"],
            offer["refund"]["when"] == "deferred",
        )


@pytest.mark.parametrize(("name", "at"), CASES)
def test_options_returns_claims_and_parcels_agree_with_what_run_then_does(name, at):
    state = live(name).options("O1", at=at)
    offers = {each["action"]: each["allowed"] for each in state["options"]}
    closing = [("withdraw-return", {"return_id": each["return_id"]}) for each in live(name).show("O1")["returns"]]
    closing += [("withdraw-claim", {"claim_id": each["claim_id"]}) for each in live(name).show("O1")["claims"]]
    for action, fields in closing:
        assert (live(name).run(action, at=at, **fields)["status"] == "accepted") == offers[action]
    if offers["refuse-delivery"]:
        book = live(name)
        book.accept("refuse-delivery", shipment_id="S1", at=at)
        assert "refused" in book.states("O1")["A"]


def split(first, second, *, unpack=None):
    """A line of two units in two parcels of one unit each, dispatched where their carrier is named."""
    book = Book()
    book.place("O1", items={"A": {"quantity": 2, "unit_price": 2000}, "B": 3000}, at="10:00")
    for shipment_id, carrier in (("S1", first), ("S2", second)):
        contents = [{"order_id": "O1", "items": {"A": 1}}]
        fields = {"shipment_id": shipment_id, "contents": contents, "carrier": carrier or OWN}
        book.accept("dispatch-shipment" if carrier else "pack-shipment", at="11:00", **fields)
    if unpack:
        book.accept("unpack-shipment", shipment_id=unpack, at="11:30")
    return book


SPLITS = [
    {"first": None, "second": PARTNER},
    {"first": OWN, "second": None},
    {"first": None, "second": None, "unpack": "S1"},
    {"first": None, "second": None, "unpack": "S2"},
    {"first": PARTNER, "second": None, "unpack": "S2"},
]


@pytest.mark.parametrize("lives", SPLITS)
def test_cancel_8_who_asks_for_what_is_offered_asks_the_party_that_was_offered(lives):
    offers = [each for each in split(**lives).options("O1", at="12:00")["options"] if each.get("allowed")]
    assert offers
    for offer in offers:
        if offer["action"] != "request-cancellation":
            continue
        book = split(**lives)
        result = book.accept("request-cancellation", order_id="O1", items=offer["items"], at="12:00")
        assert [event["rule"] for event in result["events"]] == [offer["rule"]]


def test_cancel_8_a_count_means_the_lowest_numbered_unit_so_what_can_be_cancelled_directly_is_cancelled_first():
    book = split(None, None, unpack="S1")
    (offer,) = [each for each in book.options("O1", at="12:00")["options"] if each["action"] == "request-cancellation"]
    assert (offer["allowed"], offer["rule"]) == (False, "CANCEL-1")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="12:00")
    (offer,) = [each for each in book.options("O1", at="12:00")["options"] if each["action"] == "request-cancellation"]
    assert (offer["allowed"], offer["rule"], offer["items"]) == (True, "CANCEL-2", {"A": 1})
