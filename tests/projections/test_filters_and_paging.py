"""Every filter finds what a look at everything finds, and pages put together are the whole; then and now."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from event_logs import ListedLog, RecordedBook
from ordertrail.application import Orders
from ordertrail.domain.events import CancellationRequested, OrderEvent
from ordertrail.projections import exceptions, inbox, ledger, orders, refunds, shipments
from ordertrail.projections.answers import plain
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from recorded_log import recorded_log

pytestmark = pytest.mark.slow


class Query(NamedTuple):
    """``filters``: what a row has for a filter, several things or one; ``judged`` so long after, if it judges."""

    run: Callable[..., list[Any]]
    cursor: Callable[[Any], Any]
    filters: dict[str, Callable[[Any], Any]]
    judged: timedelta | None = None


class Trade:
    """A traded week, its read models, and who bought and sold which order."""

    def __init__(self, store: Orders, database: Database) -> None:
        self.database = database
        events = [event for _, event in store.notifications(0, 100_000) if isinstance(event, OrderEvent)]
        self.buyers = {event.order_id: event.buyer_id for event in events}
        self.sellers = {row.order_id: row.seller_id for row in orders.orders(database)}
        asked = [event.at for event in events if isinstance(event, CancellationRequested)]
        self.middle = max(asked, key=lambda at: len(inbox.inbox(database, at=at)))
        self.last = max(event.at for event in events)

    def buyer(self, row: Any) -> str:
        return self.buyers[row.order_id]

    def seller(self, row: Any) -> str | None:
        return self.sellers[row.order_id]

    def queries(self) -> dict[str, Query]:
        whose = {"order_id": lambda row: row.order_id, "buyer_id": self.buyer, "seller_id": self.seller}
        return {
            "orders": Query(orders.orders, lambda row: row.order_id, whose | {"state": lambda row: row.state}),
            "refunds": Query(
                refunds.refunds,
                lambda row: row.refund_id,
                whose
                | {
                    "refund_id": lambda row: row.refund_id,
                    "status": lambda row: row.status,
                    "overdue": lambda row: row.overdue,
                    "method": lambda row: [payout.method for payout in row.payouts],
                },
                timedelta(days=30),
            ),
            "shipments": Query(
                shipments.shipments,
                lambda row: row.shipment_id,
                {
                    "shipment_id": lambda row: row.shipment_id,
                    "state": lambda row: row.state,
                    "order_id": lambda row: [content.order_id for content in row.contents] or None,
                    "buyer_id": lambda row: [self.buyer(content) for content in row.contents] or None,
                    "seller_id": lambda row: [self.seller(content) for content in row.contents] or None,
                },
            ),
            "inbox": Query(
                inbox.inbox, lambda row: row.request_id, whose | {"to": lambda row: row.to}, timedelta(hours=1)
            ),
            "exceptions": Query(
                exceptions.exceptions,
                lambda row: row.cursor,
                whose | {"kind": lambda row: row.kind},
                timedelta(days=30),
            ),
            "ledger": Query(
                ledger.entries, lambda row: row.entry, {name: whose[name] for name in ("order_id", "seller_id")}
            ),
        }


@pytest.fixture
def trade(orders: Orders, database: Database) -> Trade:
    """A store with some hundreds of events of every kind."""
    for _ in orders.run(recorded_log(60).splitlines()):
        pass
    Runner(orders, database, builtin_projections()).catch_up()
    return Trade(orders, database)


def times(trade: Trade, query: Query) -> Iterator[dict[str, datetime]]:
    """After it all, and when most requests were open."""
    if query.judged is None:
        yield {}
        yield {"as_of": trade.middle}
    else:
        yield {"at": trade.last + timedelta(days=10)}
        yield {"at": trade.middle}
        yield {"as_of": trade.middle, "at": trade.middle + query.judged}


def having(wanted: Any, of_row: Any) -> bool:
    return wanted in of_row if isinstance(of_row, list) else wanted == of_row


def test_filters_and_pages_of_every_query(trade: Trade) -> None:
    for name, query in trade.queries().items():
        found_with: set[str] = set()
        for when in times(trade, query):
            everything = query.run(trade.database, **when)
            assert everything == sorted(everything, key=order_of(name)), "always in one order"
            assert pages(query, trade.database, 3, **when) == everything
            for filter_name, of_row in query.filters.items():
                values = {value for row in everything for value in flat(of_row(row)) if value is not None}
                for value in sorted(values)[:6]:
                    some = [row for row in everything if having(value, of_row(row))]
                    chosen = when | {filter_name: value}
                    found = query.run(trade.database, **chosen)
                    if name == "shipments" and filter_name in ("order_id", "buyer_id", "seller_id"):
                        found = [row for row in found if row.contents]  # an emptied parcel still is its buyer's
                    assert found == some, (name, chosen)
                    whole = query.run(trade.database, **chosen)
                    assert pages(query, trade.database, 2, **chosen) == whole, (name, chosen)
                    found_with.add(filter_name)
            assert query.run(trade.database, **when, order_id="no such order") == []
        assert found_with == set(query.filters), f"the week has rows for every filter of {name}"


def order_of(name: str) -> Callable[[Any], Any]:
    keys: dict[str, Callable[[Any], Any]] = {
        "orders": lambda row: row.order_id,
        "refunds": lambda row: row.refund_id,
        "shipments": lambda row: row.shipment_id,
        "inbox": lambda row: row.request_id,
        "exceptions": lambda row: row.at,
        "ledger": lambda row: row.entry,
    }
    return keys[name]


def flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def pages(query: Query, database: Database, size: int, **chosen: Any) -> list[Any]:
    """All pages of a query, one after the other."""
    found = page = query.run(database, limit=size, **chosen)
    while len(page) == size:
        page = query.run(database, limit=size, after=query.cursor(page[-1]), **chosen)
        assert page == [] or page[-1] not in found, "every page goes on"
        found = found + page
    assert page == [] or len(page) < size
    return found


def test_filters_together_find_what_all_of_them_find(trade: Trade) -> None:
    for row in orders.orders(trade.database, as_of=trade.middle)[::7]:
        chosen: dict[str, Any] = {"buyer_id": row.buyer_id, "state": row.state, "as_of": trade.middle}
        expected = [
            each
            for each in orders.orders(trade.database, as_of=trade.middle)
            if (each.buyer_id, each.state) == (row.buyer_id, row.state) and row.placed_at <= each.placed_at
        ]
        assert orders.orders(trade.database, placed_from=row.placed_at, **chosen) == expected


def test_orders_by_the_time_of_their_placing(trade: Trade) -> None:
    everything = orders.orders(trade.database)
    start, end = sorted(row.placed_at for row in everything)[10:31:20]
    expected = [row for row in everything if start <= row.placed_at < end]
    assert orders.orders(trade.database, placed_from=start, placed_before=end) == expected
    assert expected
    first = orders.orders(trade.database, placed_from=start, placed_before=end, limit=4)
    rest = orders.orders(trade.database, placed_from=start, placed_before=end, after=first[-1].order_id)
    assert first + rest == expected


def test_balances_of_a_seller_are_those_of_its_orders(trade: Trade) -> None:
    for seller_id in {seller_id for seller_id in trade.sellers.values() if seller_id is not None}:
        sums: dict[str, dict[str, int]] = {}
        for entry in ledger.entries(trade.database, seller_id=seller_id, as_of=trade.middle):
            for posting in entry.postings:
                of = sums.setdefault(posting.currency, {})
                of[posting.account] = of.get(posting.account, 0) + posting.amount
        expected = {currency: {a: n for a, n in of.items() if n} for currency, of in sums.items()}
        assert ledger.balances(trade.database, seller_id=seller_id, as_of=trade.middle) == expected


def test_no_rows_are_asked_for_and_none_come(trade: Trade) -> None:
    for query in trade.queries().values():
        for when in times(trade, query):
            assert query.run(trade.database, limit=0, **when) == []


def test_exceptions_of_one_time_are_told_apart_by_their_cursors() -> None:
    book = RecordedBook()
    for order_id in ("O1", "O2", "O3"):
        book.place(order_id, items={"A": 2000})
        book.accept("cancel-items", order_id=order_id, items="all", at="10:10")
        for reference in ("R1", "R2"):
            unknown = {"refund_id": f"{order_id}:refund:9", "payment_id": "P1", "amount": 5}
            book.accept("report-payout", **unknown, outcome="paid", reference=reference, at="+7d 10:10")
    at = book.log[-1].at + timedelta(days=1)
    query = Query(exceptions.exceptions, lambda row: row.cursor, {})
    with Database.open("memory:") as database:
        Runner(ListedLog(book.log), database, builtin_projections()).catch_up()
        for when in ({"at": at}, {"at": at, "as_of": at}):
            found = exceptions.exceptions(database, **when)
            assert [row.kind for row in found] == ["unexpected-payment"] * 6 + ["overdue-refund"] * 3
            assert len({row.at for row in found}) == 1
            for size in range(1, 10):
                assert pages(query, database, size, **when) == found


def test_an_after_that_is_no_cursor_is_said_to_be_none(trade: Trade) -> None:
    beyond = (
        f"1:{2**63}",
        f"{2**63}:1",
        f"-{2**63 + 1}:x",
        f"1:{10**22}",
        f"{10**22}:1",
        f"-{10**26}:x",
        f"1:{'9' * 5000}",
    )
    for wrong in ("", "O1", "x:1", "O1:refund:1", "1:", ":1", " 1:1", "1_0:1", "--1:1", *beyond):
        with pytest.raises(ValueError, match="is no cursor of an exception"):
            exceptions.exceptions(trade.database, at=trade.middle, after=wrong)


def test_an_after_at_the_edge_of_what_a_database_can_hold_is_a_place(trade: Trade) -> None:
    everything = exceptions.exceptions(trade.database, at=trade.last)
    assert everything
    for last in (f"{2**63 - 1}:{2**63 - 1}", f"{2**63 - 1}:O1:refund:1"):
        assert exceptions.exceptions(trade.database, at=trade.last, after=last) == []
    for first in (f"-{2**63}:0", f"-{2**63}:{2**63 - 1}", f"-{2**63}:O1:refund:1"):
        assert exceptions.exceptions(trade.database, at=trade.last, after=first) == everything


CURSORS = {
    "orders": "order_id",
    "refunds": "refund_id",
    "shipments": "shipment_id",
    "inbox": "request_id",
    "exceptions": "cursor",
    "ledger": "entry",
}


def test_every_list_can_be_paged_by_its_json_alone(trade: Trade) -> None:
    for name, query in trade.queries().items():
        when = next(iter(times(trade, query)))
        found = page = plain(query.run(trade.database, limit=3, **when))
        while page:
            page = plain(query.run(trade.database, limit=3, after=page[-1][CURSORS[name]], **when))
            found = found + page
        assert found == plain(query.run(trade.database, **when))


KEYS = {
    "orders": "order_id buyer_id seller_id state placed_at total currency open_requests refunds_owed",
    "refunds": "refund_id order_id seller_id currency status cause rule funded_by processor amount items deductions "
    "due_at payouts overdue",
    "shipments": "shipment_id state carrier tracking_number mail_class attempts contents history",
    "inbox": "request_id to seller_id asked_at answer_by items",
    "exceptions": "kind order_id at amount currency cursor",
    "ledger": "entry position at order_id event postings",
}


def test_json_has_the_keys_of_the_interface_and_no_others(trade: Trade) -> None:
    for name, query in trade.queries().items():
        when = next(iter(times(trade, query)))
        for row in plain(query.run(trade.database, **when)):
            optional = {"refund_id"} if name == "ledger" and row["event"] != "order-placed" else set()
            assert row.keys() == {*KEYS[name].split()} | optional
            for posting in row.get("postings", ()):
                assert posting.keys() == {"account", "amount", "currency"}
            for payout in row.get("payouts", ()):
                assert payout.keys() == {"payment_id", "method", "amount", "status", "promised_by", "attempts"}
