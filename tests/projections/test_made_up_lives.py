"""Whatever the log: the ledger's invariants hold, and the read models say what the folded orders and parcels say."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event_logs import ListedLog, RecordedBook, all_rows, told
from lives import command_logs
from ordertrail.application.views import refund_view
from ordertrail.domain import Order, decode
from ordertrail.domain.admission import moment
from ordertrail.domain.units import counts
from ordertrail.projections import exceptions, inbox, ledger, orders, refunds, shipments
from ordertrail.projections.answers import plain
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.rebuild import rebuild
from ordertrail.projections.runner import Runner

pytestmark = pytest.mark.slow
few = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
DUE, DEFERRED = "Liabilities:Refunds:Due", "Liabilities:Refunds:Deferred"
NEVER = datetime(2090, 1, 1, tzinfo=UTC)


def followed(log: ListedLog, batch_events: int = 1000) -> Database:
    database = Database.open("memory:")
    Runner(log, database, builtin_projections(), batch_events=batch_events).catch_up()
    return database


@few
@given(command_logs(), st.sampled_from([1, 3]))
def test_batches_of_any_size_and_a_rebuild_make_the_same_rows(made: Any, gap: int) -> None:
    log = ListedLog(told(made[0]).log, gap=gap)
    projections = builtin_projections()
    with followed(log) as live:
        rows = all_rows(live, projections)
        for size in (1, 7):
            with followed(log, size) as other:
                assert all_rows(other, projections) == rows
        for projection in projections:
            rebuild(log, live, projection, batch_events=5)
        assert all_rows(live, projections) == rows


@few
@given(command_logs(), st.integers(1, 7), st.lists(st.integers(0, 4), max_size=6))
def test_a_runner_that_is_replaced_at_any_moment_counts_each_event_once(made: Any, size: int, steps: list[int]) -> None:
    log = ListedLog(told(made[0]).log)
    projections = builtin_projections()
    with followed(log) as undisturbed, Database.open("memory:") as database:
        earlier = Runner(log, database, projections, batch_events=size)
        for count in steps:
            runner = Runner(log, database, projections, batch_events=size)
            for _ in range(count):
                runner.step()
                earlier.step()  # two at once, each with its own memory of the rows
        earlier.catch_up()
        assert all_rows(database, projections) == all_rows(undisturbed, projections)


@few
@given(command_logs())
def test_the_ledger_keeps_its_invariants_at_every_entry(made: Any) -> None:
    book = told(made[0])
    with followed(ListedLog(book.log)) as database:
        journal = ledger.entries(database)
        assert [entry.entry for entry in journal] == [*range(1, len(journal) + 1)]
        for entry in journal:
            assert sum(posting.amount for posting in entry.postings) == 0
            assert len({posting.currency for posting in entry.postings}) == 1
            assert all(posting.amount for posting in entry.postings)
        in_all: dict[str, Counter[str]] = defaultdict(Counter)
        for order_id in book.order_ids():
            order = book.order(order_id)
            due, deferred = owed(order)
            balance = ledger.balances(database, order_id=order_id).get(order.currency, {})
            assert (balance.get(DUE, 0), balance.get(DEFERRED, 0)) == (-due, -deferred)
            in_all[order.currency] += Counter(balance)
            in_all[order.currency].update({DUE: 0})
            assert ledger.entries(database, order_id=order_id) == [e for e in journal if e.order_id == order_id]
        totals = ledger.balances(database)
        for currency in {book.order(order_id).currency for order_id in book.order_ids()}:
            of_currency = [owed(o) for o in map(book.order, book.order_ids()) if o.currency == currency]
            balance = totals.get(currency, {})
            assert (balance.get(DUE, 0), balance.get(DEFERRED, 0)) == (
                -sum(due for due, _ in of_currency),
                -sum(deferred for _, deferred in of_currency),
            )
            assert sum(balance.values()) == 0


def owed(order: Order) -> tuple[int, int]:
    """The due payouts that are not paid, and the deferred ones."""
    unpaid: Counter[bool] = Counter()
    for refund in order.refunds.values():
        for payout in refund.payouts.values():
            unpaid[refund.due_at is None] += payout.amount if payout.status != "paid" else 0
    return unpaid[False], unpaid[True]


@few
@given(command_logs())
def test_the_other_read_models_say_what_the_orders_and_parcels_say(made: Any) -> None:
    book = told(made[0])
    folded = [book.order(order_id) for order_id in book.order_ids()]
    at = max((order.latest_at for order in folded), default=NEVER) + timedelta(days=4)
    with followed(ListedLog(book.log)) as database:
        assert plain(orders.orders(database)) == [listed(order) for order in folded]
        expected = [shown(order, refund, at) for order in folded for refund in order.refunds.values()]
        expected.sort(key=lambda refund: refund["refund_id"])
        assert plain(refunds.refunds(database, at=at)) == expected
        for wanted in (True, False):
            some = [refund for refund in expected if refund["overdue"] == wanted]
            assert plain(refunds.refunds(database, at=at, overdue=wanted)) == some
            assert plain(refunds.refunds(database, at=at, overdue=wanted, limit=1)) == some[:1]
        for status in ("deferred", "due", "paid"):
            some = [refund for refund in expected if refund["status"] == status]
            assert plain(refunds.refunds(database, at=at, status=status)) == some
        for method in ("gift-card", "store-credit"):
            some = [r for r in expected if any(p["method"] == method for p in r["payouts"])]
            assert plain(refunds.refunds(database, at=at, method=method)) == some
        parcels = [book.shipment(shipment_id) for shipment_id in book.ids("shipment")]
        assert plain(shipments.shipments(database)) == parcels
        for seller in ("M1", "M2"):
            sold = {order.order_id for order in folded if order.seller_id == seller}
            held = {s for s in book.ids("shipment") if sold & {c.order_id for c in packed(book, s)}}
            assert {s.shipment_id for s in shipments.shipments(database, seller_id=seller)} == held
        for judged in (at, at + timedelta(days=-4), NEVER):
            assert plain(inbox.inbox(database, at=judged)) == asked(folded, judged)
        assert found_exceptions(database, at) == raised(book, expected, at)


def packed(book: RecordedBook, shipment_id: str) -> Any:
    return decode(book.stored[f"shipment:{shipment_id}"][0]).contents  # type: ignore[attr-defined]


def listed(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "buyer_id": order.buyer_id,
        "seller_id": order.seller_id,
        "state": order.state,
        "placed_at": moment(order.placed_at),
        "total": order.total,
        "currency": order.currency,
        "open_requests": sum(request.status == "open" for request in order.requests.values()),
        "refunds_owed": sum(owed(order)),
    }


def shown(order: Order, refund: Any, at: datetime) -> dict[str, Any]:
    whose = {"order_id": order.order_id, "seller_id": order.seller_id, "currency": order.currency}
    return refund_view(refund) | whose | {"overdue": refund.is_overdue(at)}


def asked(folded: list[Order], at: datetime) -> list[dict[str, Any]]:
    found = [
        {
            "request_id": request.request_id,
            "to": request.to,
            "seller_id": order.seller_id,
            "asked_at": moment(request.asked_at),
            "answer_by": None if request.answer_by is None else moment(request.answer_by),
            "items": counts(request.units),
        }
        for order in folded
        for request in order.requests.values()
        if request.status == "open" and (request.answer_by is None or at <= request.answer_by)
    ]
    return sorted(found, key=lambda request: request["request_id"])


def found_exceptions(database: Database, at: datetime) -> Counter[tuple[Any, ...]]:
    found = exceptions.exceptions(database, at=at)
    assert [each.at for each in found] == sorted(each.at for each in found)
    return Counter((each.kind, each.order_id, each.amount) for each in found)


def raised(book: RecordedBook, expected: list[dict[str, Any]], at: datetime) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for event in book.log:
        if event.type == "exception-raised":
            found[event.kind, event.order_id, event.amount] += 1  # type: ignore[attr-defined]
        elif event.type == "payment-unexpected":
            found["unexpected-payment", event.order_id, event.amount] += 1  # type: ignore[attr-defined]
    late = [refund for refund in expected if refund["overdue"]]
    return found + Counter(("overdue-refund", r["order_id"], overdue_amount(r, at)) for r in late)


def overdue_amount(refund: dict[str, Any], at: datetime) -> int:
    """Of the payouts whose own promised time has passed."""
    unpaid = [payout for payout in refund["payouts"] if payout["status"] != "paid"]
    return sum(payout["amount"] for payout in unpaid if datetime.fromisoformat(payout["promised_by"]) < at)
