"""Properties over made-up lives of three orders: TIME-1, REFUND-1, and that options agree with what is then done."""

from collections import Counter
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from book import Book

ITEMS = {"A": {"quantity": 2, "unit_price": 2000, "tax": 101}, "B": {"quantity": 1, "unit_price": 3000, "shipping": 7}}
PAYMENTS = [
    {"payment_id": "G1", "method": "gift-card", "amount": 1500},
    {"payment_id": "C1", "method": "credit-card", "amount": 5608},
]
ON_ITEMS = ("cancel-items", "request-cancellation", "start-return", "file-claim")
ORDERS = ("M", "N", "F")  # two that the marketplace fulfils, one that a seller does
OWN, PARTNER = {"name": "Vans", "kind": "own"}, {"name": "Post", "kind": "partner"}


def of(order, items):
    return {"order_id": order, "items": items}


def parcel(shipment_id, carrier, *contents):
    return {"shipment_id": shipment_id, "carrier": carrier, "contents": list(contents)}


def steps_of(order):
    """What may happen to one order; most of it is rejected most of the time."""
    a, b, every = of(order, {"A": 1}), of(order, {"B": 1}), of(order, "all")
    yes = {"accept_cascade": True}
    yield from [
        ("cancel-items", a),
        ("cancel-items", every | yes),
        ("cancel-items", b | {"actor": "marketplace"} | yes),
    ]
    yield from [("request-cancellation", a | yes), ("request-cancellation", b | yes)]
    for number in (1, 2):
        request = {"request_id": f"{order}:request:{number}"}
        yield from [("answer-cancellation", request | {"approve": approve}) for approve in (True, False)]
        yield "answer-cancellation", request | {"approve": True, "scope": "units"}
        payout = {"refund_id": f"{order}:refund:{number}", "outcome": "paid", "reference": f"R{number}"}
        yield from [("report-payout", payout | {"payment_id": payment}) for payment in ("G1", "C1")]
    yield "report-payout", payout | {"payment_id": "C1", "outcome": "failed"}
    yield "pack-shipment", parcel(f"S-{order}", PARTNER, a)
    yield "dispatch-shipment", parcel(f"T-{order}", OWN, every)
    yield "dispatch-shipment", {"shipment_id": f"S-{order}"}
    for shipment_id in (f"S-{order}", f"T-{order}", "both"):
        for report in ("start-delivery", "deliver", "refuse-delivery", "turn-back", "lose-shipment", "receive-return"):
            yield report, {"shipment_id": shipment_id}
    yield from [("start-return", part | {"reason": "changed-mind"}) for part in (a, every)]
    back = {"return_id": f"{order}:return:1"}
    yield from [("withdraw-return", back), ("hand-over-return", back), ("lose-return", back)]
    yield "receive-return", back | {"received": [{"item_id": "A", "quantity": 1, "condition": "opened"}]}
    yield from [("file-claim", a), ("file-claim", every)]
    for approve in (True, False):
        yield "decide-claim", {"claim_id": f"{order}:claim:1", "approve": approve}


COMBINED = [
    ("pack-shipment", parcel("both", OWN, of("M", {"A": 1}), of("N", "all"))),
    ("dispatch-shipment", {"shipment_id": "both"}),
]
STEPS = [step for order in ORDERS for step in steps_of(order)] + COMBINED * 6
GAPS = [0, 0.25, 1, 24, 49, 24 * 8, 24 * 16, 24 * 31, 24 * 46]
LIVES = st.lists(
    st.tuples(st.sampled_from(GAPS), st.sampled_from(STEPS), st.sampled_from([None, 0, 0.5, 1])),
    min_size=1,
    max_size=25,
)


def at(hours):
    """A time so many hours after the placing at 10:00."""
    minutes = round((hours + 10) * 60)
    return f"+{minutes // 1440}d {minutes // 60 % 24:02}:{minutes % 60:02}"


def lived(steps, *, clock_runs=False):
    """The world after these steps, the results, and how late it is."""
    book, hours, answers = Book(), 0, []
    for order in ORDERS:
        by = {"seller": "M1", "fulfilled_by": "seller"} if order == "F" else {}
        book.place(order, items=ITEMS, at="10:00", payments=PAYMENTS, **by)
    for number, (gap, (command, fields), clock) in enumerate(steps):
        if clock_runs and clock is not None:
            book.accept("pass-time", at=at(hours + gap * clock), command_id=f"clock-{number}")
        hours += gap
        result = book.run(command, at=at(hours), command_id=f"step-{number}", **fields)
        answers.append({key: result.get(key) for key in ("status", "rule", "reason", "advice", "cascade")})
    return book, answers, hours


def essence(event):
    """An event without what tells by which command, by whom and when it was recorded."""
    return {key: value for key, value in event.items() if key not in {"command_id", "recorded_at", "actor", "actor_id"}}


@settings(max_examples=40, deadline=None)
@given(LIVES)
def test_time_1_the_same_commands_give_the_same_events_whether_or_not_a_clock_job_ran(steps):
    worlds = [lived(steps, clock_runs=clock_runs) for clock_runs in (False, True)]
    assert worlds[0][1] == worlds[1][1]
    for book, _, hours in worlds:
        book.accept("pass-time", at=at(hours + 24 * 200), command_id="at-last")
    for order in ORDERS:
        without, with_clock = ([essence(event) for event in book.events(order)] for book, _, _ in worlds)
        assert without == with_clock


@settings(max_examples=40, deadline=None)
@given(LIVES)
def test_refund_1_no_payment_gives_back_more_than_it_brought_and_no_unit_is_refunded_twice(steps):
    book, _, hours = lived(steps)
    book.accept("pass-time", at=at(hours + 24 * 200))
    for shown in map(book.show, ORDERS):
        back, units = Counter(), Counter()
        for refund in shown["refunds"]:
            assert refund["amount"] == sum(payout["amount"] for payout in refund["payouts"])
            back.update({payout["payment_id"]: payout["amount"] for payout in refund["payouts"]})
            units.update(refund["items"])
        assert all(back[payment["payment_id"]] <= payment["amount"] for payment in PAYMENTS), back
        assert all(count <= ITEMS[item_id]["quantity"] for item_id, count in units.items()), units
        states = Counter(state for item in book.states(shown["order_id"]).values() for state in item)
        assert sum(units.values()) >= states["cancelled"] + states["returned"] + states["lost"] + states["refunded"]


@settings(max_examples=40, deadline=None)
@given(LIVES, st.sampled_from(GAPS))
def test_options_what_is_offered_is_accepted_and_what_is_not_is_rejected_by_the_same_rule(steps, gap):
    book, _, hours = lived(steps)
    now = at(hours + gap)
    for order in ORDERS:
        for offer in book.options(order, at=now)["options"]:
            if offer["action"] in ON_ITEMS:
                assert_agrees(deepcopy(book), order, offer, now)


def assert_agrees(book, order, offer, now):
    fields = of(order, offer["items"] if offer["allowed"] else "all")
    if "cancel" in offer["action"]:
        fields["accept_cascade"] = bool(offer.get("cascade"))
    if offer["action"] == "start-return":
        fields["reason"] = "other"
    directly = offer["action"] == "request-cancellation" and offer["rule"] in ("CANCEL-1", "SELLER-1")
    if directly:  # nobody need be asked, and who asks all the same simply cancels
        fields["accept_cascade"] = True
    result = book.run(offer["action"], at=now, **fields)
    if offer["allowed"] or directly:
        assert result["status"] == "accepted", (offer, result)
        assert offer["rule"] in [event["rule"] for event in result["events"]], (offer, result)
    else:
        assert (result["status"], result["rule"]) == ("rejected", offer["rule"]), (offer, result)
