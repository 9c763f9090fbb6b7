"""The table of lives: which stories the week is made of, how often, and who may live them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from . import cancellations, claims, journeys, mischief, parcels, returns
from .market import MARKETPLACE, Case, Market
from .week import Plan, Week


@dataclass(frozen=True)
class Life:
    """A kind of order. `weight` is its share of a thousand lives; one of several `orders` shares their parcel."""

    name: str
    weight: int
    plan: Callable[..., Plan]
    fulfilled_by: str | None = None  # None: either
    lines: int = 1  # at least so many items
    orders: int = 1  # at most so many of one buyer, and at least two if more than one
    gateway: str = "pays"


LIVES = [
    Life("delivered", 310, journeys.smooth),
    Life("delivered in two parcels", 50, journeys.split, lines=2),
    Life("scans late and doubled", 50, journeys.late_scans),
    Life("refused at the door", 26, journeys.refused),
    Life("undeliverable", 14, journeys.undeliverable),
    Life("lost", 10, journeys.lost),
    Life("never heard of again", 5, journeys.never_heard_of, "marketplace"),
    Life("slow boat", 6, journeys.slow_boat, "seller"),
    Life("cancelled at once", 45, cancellations.at_once),
    Life("cancelled line by line", 34, cancellations.some_lines, lines=3),
    Life("cancelled in part", 30, cancellations.some_units, lines=2),
    Life("out of stock", 20, cancellations.out_of_stock, lines=2),
    Life("window missed, approved", 26, cancellations.seller_approves, "seller"),
    Life("window missed, declined", 20, cancellations.seller_declines, "seller"),
    Life("window missed, silence", 12, cancellations.seller_is_silent, "seller"),
    Life("window missed, refund forgotten", 4, cancellations.seller_approves, "seller", gateway="seller-forgets"),
    Life("packed, pulled out", 24, cancellations.warehouse_pulls, "marketplace"),
    Life("packed, shipped all the same", 14, cancellations.warehouse_ships, "marketplace"),
    Life("intercepted", 14, cancellations.intercepted, "marketplace"),
    Life("turned back", 14, cancellations.turned_back, "marketplace"),
    Life("turned back, delivered after all", 8, cancellations.turned_back_but_delivered, "marketplace"),
    Life("changed mind", 36, returns.returned("changed-mind", "unopened")),
    Life("changed mind, opened", 20, returns.returned("changed-mind", "opened")),
    Life("changed mind, store credit", 18, returns.returned("changed-mind", "unopened", "store-credit")),
    Life("damaged", 24, returns.returned("damaged", "opened")),
    Life("returned in two boxes", 10, returns.in_two_boxes, lines=2),
    Life("return lost", 6, returns.lost_on_the_way_back),
    Life("return withdrawn", 6, returns.withdrawn),
    Life("return never sent", 6, returns.never_sent),
    Life("return too late", 6, returns.too_late),
    Life("combined parcel", 18, journeys.smooth, orders=3),
    Life("combined parcel, cancelled together", 10, parcels.cancelled_together, "marketplace", orders=3),
    Life("combined parcel, cancelled in the window", 5, parcels.window_takes_all, "seller", orders=2),
    Life("combined parcel, one taken out", 6, parcels.one_taken_out, "marketplace", orders=3),
    Life("combined parcel, turned back", 5, parcels.turned_back_together, "marketplace", orders=2),
    Life("combined parcel, refused at the door", 5, journeys.refused, orders=3),
    Life("payout failed, then paid", 8, cancellations.at_once, gateway="fails-first"),
    Life("payout bounced", 6, cancellations.at_once, gateway="bounces"),
    Life("payout paid twice", 4, cancellations.at_once, gateway="pays-twice"),
    Life("payout reported twice", 8, cancellations.at_once, gateway="reports-twice"),
    Life("claim: request ignored", 7, claims.request_ignored, "seller"),
    Life("claim: never arrived", 7, claims.never_arrived, "seller"),
    Life("claim: return ignored", 5, claims.return_ignored, "seller"),
    Life("claim: refund ignored", 6, claims.refund_ignored, "seller", gateway="seller-forgets"),
    Life("claim: denied", 5, claims.denied, "seller"),
    Life("claim: withdrawn", 4, claims.claim_withdrawn, "seller"),
    Life("strangers", 6, mischief.stranger),
    Life("impatient client", 6, mischief.impatient, lines=2),
    Life("cancelled after the fact", 8, mischief.after_the_fact),
    Life("refunded too early", 4, mischief.eager_refund, lines=2),
    Life("packed twice", 4, mischief.packed_twice, "marketplace"),
    Life("answered twice", 4, mischief.answered_twice, "seller"),
]


def chosen(random: Random, orders: int) -> Iterator[tuple[Life, int]]:
    """Lives and how many orders each is made of, `orders` in all; every kind once before any comes twice."""
    left = orders
    every_kind = iter(LIVES)
    while left > 0:
        life = next(every_kind, None) or random.choices(LIVES, [life.weight for life in LIVES])[0]
        count = random.randint(2, life.orders) if life.orders > 1 else 1
        if count <= left:
            left -= count
            yield life, count


def lived(week: Week, market: Market, life: Life, orders: int) -> Plan:
    """Place the orders of a life a few minutes apart, then live it."""
    fulfilled_by = life.fulfilled_by or week.random.choices(["marketplace", "seller"], [6, 4])[0]
    cases: list[Case] = []
    for _ in range(orders):
        if cases:
            yield week.minutes(1, 4)
        like = cases[0] if cases else None
        case = market.draw(life.name, fulfilled_by=fulfilled_by, lines=life.lines, gateway=life.gateway, like=like)
        cases.append(case)
        week.cases[case.order_id] = case
        week.act("place-order", MARKETPLACE, **case.placing())
    yield from life.plan(week, *cases)
