"""Commands that exclude each other, given at the same instant: one wins, the other gets its rule's no.

Every second round nobody can commit until all have decided, so that they have all decided on the same state.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from ordertrail.application import Orders, Principal, Result
from processes import (
    Clock,
    Processes,
    Rival,
    Threads,
    counted_conflicts,
    journal_is_the_order_of_events,
    money_is_conserved,
    nothing_lost_or_doubled,
    write_lock,
)

pytestmark = pytest.mark.slow

ROUNDS = 5
PARTNER = {"name": "post", "kind": "partner"}
MARKET, WAREHOUSE, CARRIER, BUYER = ("marketplace",), ("warehouse",), ("carrier",), ("buyer", "B1")


class Shop:
    """Prepares orders for a round; its clock is the crowd's as well."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.orders = Orders.open(url, clock=self.clock)
        self.given = 0

    def give(self, command: str, by: tuple[str, ...] = MARKET, **fields: Any) -> Result:
        result = self.orders.handle(self.raw(command, **fields), by=Principal(*by))  # type: ignore[arg-type]
        assert result.status == "accepted", result
        return result

    def raw(self, command: str, **fields: Any) -> dict[str, Any]:
        self.given += 1
        return {"command": command, "command_id": f"c-{self.given}", **fields}

    def rival(self, command: str, by: tuple[str, ...], **fields: Any) -> Rival:
        return Rival(self.raw(command, **fields), *by)

    def placing(self, order_id: str, fulfilled_by: str = "marketplace") -> dict[str, Any]:
        return {
            "order_id": order_id,
            "buyer_id": "B1",
            "seller_id": "M1" if fulfilled_by == "seller" else None,
            "fulfilled_by": fulfilled_by,
            "currency": "USD",
            "items": [{"item_id": "A", "sku": "mug", "quantity": 2, "unit_price": 1250, "tax": 201}],
            "payments": [
                {"payment_id": "P1", "method": "gift-card", "amount": 700},
                {"payment_id": "P2", "method": "credit-card", "amount": 2001},
            ],
        }

    def place(self, order_id: str, fulfilled_by: str = "marketplace") -> str:
        self.give("place-order", **self.placing(order_id, fulfilled_by))
        return order_id

    def pack(self, shipment_id: str, *order_ids: str) -> str:
        self.give("pack-shipment", **parcel(shipment_id, *order_ids))
        return shipment_id

    def passes(self, **time: float) -> None:
        self.clock.now += timedelta(**time)


def parcel(shipment_id: str, *order_ids: str) -> dict[str, Any]:
    contents = [{"order_id": order_id, "items": {"A": 2}} for order_id in order_ids]
    return {"shipment_id": shipment_id, "contents": contents, "carrier": PARTNER}


# Each prepares a round for the name n, and gives the rivals and the pairs of answers that are right.

Ending = tuple[str, ...]
Duel = Callable[[Shop, str], tuple[list[Rival], set[Ending]]]


def either(winner: str, loser: str) -> set[Ending]:
    return {(winner, loser), (loser, winner)}


def cancel_against_dispatch(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.place(n)
    cancel = shop.rival("cancel-items", BUYER, order_id=n, items={"A": 1})
    dispatch = shop.rival("dispatch-shipment", WAREHOUSE, **parcel(f"S{n}", n))
    return [cancel, dispatch], {("accepted", "PACK-1"), ("CANCEL-4", "accepted")}


def cascade_over_two_orders_against_dispatch(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shipment_id = shop.pack(f"S{n}", shop.place(n, "seller"), shop.place(f"{n}+", "seller"))
    cancel = shop.rival("cancel-items", BUYER, order_id=n, items={"A": 1}, accept_cascade=True)
    dispatch = shop.rival("dispatch-shipment", CARRIER, shipment_id=shipment_id)
    return [cancel, dispatch], {("accepted", "noted"), ("SELLER-3", "accepted")}


def cascades_from_two_orders(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.pack(f"S{n}", shop.place(n, "seller"), shop.place(f"{n}+", "seller"))
    fields: dict[str, Any] = {"items": "all", "accept_cascade": True}
    rivals = [shop.rival("cancel-items", BUYER, order_id=order_id, **fields) for order_id in (n, f"{n}+")]
    return rivals, either("accepted", "CANCEL-6")


def the_warehouses_yes_against_dispatch(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shipment_id = shop.pack(f"S{n}", shop.place(n), shop.place(f"{n}+"))
    shop.give("request-cancellation", BUYER, order_id=n, items={"A": 2}, accept_cascade=True)
    answer = shop.rival("answer-cancellation", WAREHOUSE, request_id=f"{n}:request:1", approve=True)
    dispatch = shop.rival("dispatch-shipment", CARRIER, shipment_id=shipment_id)
    return [answer, dispatch], {("accepted", "noted"), ("ORDER-5", "accepted")}


def yes_against_no(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.place(n, "seller")
    shop.passes(minutes=31)
    shop.give("request-cancellation", BUYER, order_id=n, items={"A": 2})
    answers = [
        shop.rival("answer-cancellation", ("seller", "M1"), request_id=f"{n}:request:1", approve=approve)
        for approve in (True, False)
    ]
    return answers, either("accepted", "ORDER-5")


def two_packings_of_the_same_units(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.place(n)
    rivals = [shop.rival("pack-shipment", WAREHOUSE, **parcel(f"S{n}{which}", n)) for which in "ab"]
    return rivals, either("accepted", "PACK-1")


def two_packings_under_one_parcels_id(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.place(n)
    shop.place(f"{n}+")
    rivals = [shop.rival("pack-shipment", WAREHOUSE, **parcel(f"S{n}", order_id)) for order_id in (n, f"{n}+")]
    return rivals, either("accepted", "PACK-1")


def two_placings_of_one_id(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    return [shop.rival("place-order", MARKET, **shop.placing(n)) for _ in "ab"], either("accepted", "ORDER-1")


def two_returns_of_the_same_units(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.place(n)
    shop.give("deliver", CARRIER, shipment_id=shop.pack(f"S{n}", n))
    rivals = [shop.rival("start-return", BUYER, order_id=n, items={"A": 2}, reason=r) for r in ("late", "damaged")]
    return rivals, either("accepted", "RETURN-1")


def two_claims(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.place(n, "seller")
    shop.passes(days=31)
    rivals = [shop.rival("file-claim", BUYER, order_id=n, items={"A": 2}) for _ in "ab"]
    return rivals, either("accepted", "CLAIM-1")


def two_submissions_of_a_payout(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    shop.place(n)
    shop.give("cancel-items", BUYER, order_id=n, items="all")
    rivals = [shop.rival("submit-payout", MARKET, refund_id=f"{n}:refund:1", payment_id="P2") for _ in "ab"]
    return rivals, either("accepted", "REFUND-5")


def two_reports_of_a_payment(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    """A report that money moved is never refused: the second is booked as a payment that nobody owes."""
    shop.place(n)
    shop.give("cancel-items", BUYER, order_id=n, items="all")
    fields = {"refund_id": f"{n}:refund:1", "payment_id": "P2", "outcome": "paid"}
    rivals = [shop.rival("report-payout", MARKET, reference=f"R{n}{which}", **fields) for which in "ab"]
    return rivals, {("accepted", "accepted")}


def one_report_of_a_payment_twice(shop: Shop, n: str) -> tuple[list[Rival], set[Ending]]:
    rivals, _ = two_reports_of_a_payment(shop, n)
    for rival in rivals:
        rival.command["reference"] = f"R{n}"
    return rivals, either("accepted", "noted")


DUELS: list[Duel] = [
    cancel_against_dispatch,
    cascade_over_two_orders_against_dispatch,
    cascades_from_two_orders,
    the_warehouses_yes_against_dispatch,
    yes_against_no,
    two_packings_of_the_same_units,
    two_packings_under_one_parcels_id,
    two_placings_of_one_id,
    two_returns_of_the_same_units,
    two_claims,
    two_submissions_of_a_payout,
    two_reports_of_a_payment,
    one_report_of_a_payment_twice,
]


def answered(result: dict[str, Any]) -> str:
    return str(result.get("rule") or result["status"]) if result["status"] == "rejected" else str(result["status"])


def held(url: str, crowd: Threads | Processes, rivals: list[Rival], now: datetime) -> list[dict[str, Any]]:
    """Fire while nobody can commit, and let go when all have had the time to decide."""
    with ThreadPoolExecutor(1) as caller:
        with write_lock(url):
            answers = caller.submit(crowd.together, rivals, now)
            time.sleep(0.15)
        return answers.result()


@pytest.mark.parametrize("kind", [Threads, Processes])
def test_of_two_that_exclude_each_other_one_wins_and_the_other_hears_the_rule(
    kind: type[Threads] | type[Processes], url: str
) -> None:
    shop = Shop(url)
    shop.place("first")  # so that the store and its policy are there
    crowd = kind(url, 2)
    wrong, endings = [], set()
    order_ids = ["first"]
    with counted_conflicts() as conflicts:
        for duel in DUELS:
            for round_ in range(ROUNDS):
                n = f"{duel.__name__}-{round_}"
                rivals, right = duel(shop, n)
                if round_ % 4 < 2:
                    rivals, right = rivals[::-1], {ending[::-1] for ending in right}
                order_ids.append(n)
                fire = held if round_ % 2 else lambda _, crowd, *what: crowd.together(*what)
                ending = tuple(map(answered, fire(url, crowd, rivals, shop.clock.now)))
                endings.add((duel.__name__, ending if round_ % 4 >= 2 else ending[::-1]))
                if ending not in right:
                    wrong.append((n, ending))
            shop.passes(days=40)
    crowd.close()
    assert not wrong
    if kind is Threads:
        assert len(conflicts) >= len(DUELS), "they hardly ever collided"
    for order_id in order_ids:
        money_is_conserved(shop.orders.show(order_id))
    paid = shop.orders.show("two_reports_of_a_payment-0")["refunds"][0]["payouts"]
    assert [payout["status"] for payout in paid] == ["owed", "paid"]
    shop.orders.close()
    nothing_lost_or_doubled(url)
    journal_is_the_order_of_events(url)


def test_fifty_concurrent_retries_of_one_command_make_one_set_of_events(url: str) -> None:
    """Ten threads in each of five processes send the same command with the same id."""
    shop = Shop(url)
    crowd = Processes(url, 5)
    shop.pack("S1", shop.place("O1", "seller"), shop.place("O2", "seller"))
    for command, by, fields in [
        ("place-order", MARKET, shop.placing("O3")),
        ("cancel-items", BUYER, {"order_id": "O1", "items": {"A": 1}, "accept_cascade": True}),
        ("report-payout", ("seller", "M1"), PAID | {"refund_id": "O1:refund:1"}),
        ("cancel-items", BUYER, {"order_id": "O1", "items": {"A": 1}}),
    ]:
        rivals = [shop.rival(command, by, **fields)] * 50
        told = crowd.together(rivals, shop.clock.now)
        first, *others = [result for result in told if result["status"] != "duplicate"]
        assert not others, others[:3]
        assert first["status"] == ("accepted" if first["events"] else "rejected"), first
        assert [result["first"] for result in told if result is not first] == [first] * 49
    crowd.close()
    shop.orders.close()
    nothing_lost_or_doubled(url)
    journal_is_the_order_of_events(url)


PAID = {"payment_id": "P2", "outcome": "paid", "reference": "R1"}


def test_fifty_threads_that_share_one_orders_and_retry_one_command_make_one_set_of_events(url: str) -> None:
    shop = Shop(url)
    crowd = Threads(url, 50)
    for round_ in range(5):
        rivals = [shop.rival("place-order", MARKET, **shop.placing(f"O{round_}"))] * 50
        told = crowd.together(rivals, shop.clock.now)
        first, *others = [result for result in told if result["status"] != "duplicate"]
        assert not others, others[:3]
        assert first["status"] == "accepted"
        assert [result["first"] for result in told if result is not first] == [first] * 49
        assert shop.orders.order(f"O{round_}").version == 1
    crowd.close()
    shop.orders.close()
    nothing_lost_or_doubled(url)
    journal_is_the_order_of_events(url)
