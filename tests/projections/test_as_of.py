"""What a query shows as of a time: what there would be if nothing later had happened, as the folded orders show it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from event_logs import ListedLog, RecordedBook, told
from lives import command_logs
from ordertrail.application.views import refund_view, shipment_view
from ordertrail.domain import Event, Order, decode, fold_as_of, fold_shipment
from ordertrail.domain import events as e
from ordertrail.domain.admission import moment
from ordertrail.projections import accounts, exceptions, inbox, ledger, orders, refunds, shipments
from ordertrail.projections.answers import plain
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner

few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INSTANT = timedelta(microseconds=1)
LISTS: dict[str, Any] = {
    "orders": orders.orders,
    "refunds": refunds.refunds,
    "inbox": inbox.inbox,
    "exceptions": exceptions.exceptions,
    "shipments": lambda database, *, as_of=None, **_: shipments.shipments(database, as_of=as_of),
}


class Known:
    """Which events a time traveller knows: those that had happened, and whose beginning had.

    So an answer dated before its request is not known until the request is.
    """

    def __init__(self, until: datetime) -> None:
        self.until = until
        self.begun: set[str] = set()

    def __call__(self, event: Event) -> bool:
        if event.at > self.until:
            return False
        starts = isinstance(event, e.OrderPlaced | e.ShipmentPacked)
        if not starts and event.stream not in self.begun:
            return False
        made = self._made(event)
        about = {getattr(event, name, None) for name in ("request_id", "return_id", "refund_id", "claim_id")}
        if isinstance(event, e.PaymentUnexpected):
            about = set()
        if about - {None, made} - self.begun:
            return False
        self.begun |= {event.stream} | ({made} if made else set())
        return True

    @staticmethod
    def _made(event: Event) -> str | None:
        match event:
            case e.CancellationRequested():
                return event.request_id
            case e.ReturnStarted():
                return event.return_id
            case e.RefundOwed():
                return event.refund_id
            case e.ClaimFiled():
                return event.claim_id
        return None


def followed(events: Iterable[tuple[int, Event]]) -> Database:
    log, database = ListedLog(), Database.open("memory:")
    log.events = list(events)
    Runner(log, database, builtin_projections()).catch_up()
    return database


def moments(log: Sequence[Event], numbers: Iterable[int]) -> list[datetime]:
    """Times at which something happens or ends, some of them sharp and some just before or after it."""
    ends = [event.answer_by for event in log if isinstance(event, e.CancellationRequested) and event.answer_by]
    ends += [p.promised_by for event in log if isinstance(event, e.RefundOwed) for p in event.payouts if p.promised_by]
    around = [
        at + by for at in sorted({event.at for event in log} | set(ends)) for by in (0 * INSTANT, INSTANT, -INSTANT)
    ]
    return [around[number % len(around)] for number in numbers]


def without_numbers(journal: list[ledger.Entry]) -> list[ledger.Entry]:
    return [ledger.Entry(0, *(getattr(entry, name) for name in entry.__struct_fields__[1:])) for entry in journal]


@pytest.mark.slow
@few
@given(command_logs(), st.lists(st.integers(0, 1000), min_size=3, max_size=3))
def test_every_query_shows_what_there_would_be_if_nothing_later_had_happened(made: Any, numbers: list[int]) -> None:
    book = told(made[0])
    positions = ListedLog(book.log).events
    with followed(positions) as everything:
        for then in moments(book.log, numbers) if book.log else ():
            known = Known(then)
            kept = [(position, event) for position, event in positions if known(event)]
            happened = [event for _, event in positions if event.at <= then]
            with followed(kept) as no_more:
                all_follow = len(kept) == len(happened)
                for name, query in LISTS.items():
                    if name != "exceptions" or all_follow:
                        assert query(everything, at=then, as_of=then) == query(no_more, at=then, as_of=then), name
                    if in_turn(kept) and (name != "exceptions" or all_follow):
                        assert query(everything, at=then, as_of=then) == query(no_more, at=then), name
                if all_follow:
                    shown = without_numbers(ledger.entries(everything, as_of=then))
                    assert shown == without_numbers(ledger.entries(no_more))
                    assert ledger.balances(everything, as_of=then) == ledger.balances(no_more)


def in_turn(kept: list[tuple[int, Event]]) -> bool:
    """Whether these were once all the events that there were: nothing was reported late that happened before."""
    versions: dict[str, list[int]] = {}
    for _, event in kept:
        versions.setdefault(event.stream, []).append(event.version)
    return all(seen == [*range(1, len(seen) + 1)] for seen in versions.values())


@pytest.mark.slow
@few
@given(command_logs(), st.lists(st.integers(0, 1000), min_size=3, max_size=3))
def test_orders_parcels_refunds_and_requests_are_told_as_the_domain_folds_them(made: Any, numbers: list[int]) -> None:
    book = told(made[0])
    with followed(ListedLog(book.log).events) as database:
        for then in moments(book.log, numbers) if book.log else ():
            streams = [map(decode, book.stored[f"order:{order_id}"]) for order_id in book.order_ids()]
            folded = [order for stream in streams if (order := fold_as_of(stream, then)) is not None]
            for at in (then, then + timedelta(days=2)):
                assert plain(orders.orders(database, at=at, as_of=then)) == [listed(order, at) for order in folded]
                shown = [shown_refund(order, refund, at) for order in folded for refund in order.refunds.values()]
                by_id = sorted(shown, key=lambda refund: refund["refund_id"])
                assert plain(refunds.refunds(database, at=at, as_of=then)) == by_id
                asked = [request.request_id for order in folded for request in still_open(order, at)]
                assert [r.request_id for r in inbox.inbox(database, at=at, as_of=then)] == sorted(asked)
            parcels = [fold_shipment(parcel_until(book, its_id, then)) for its_id in book.ids("shipment")]
            expected = [shipment_view(parcel) for parcel in parcels if parcel is not None]
            assert plain(shipments.shipments(database, as_of=then)) == expected


def parcel_until(book: RecordedBook, shipment_id: str, then: datetime) -> list[Event]:
    return [event for event in map(decode, book.stored[f"shipment:{shipment_id}"]) if event.at <= then]


def listed(order: Order, at: datetime) -> dict[str, Any]:
    unpaid = [p.amount for r in order.refunds.values() for p in r.payouts.values() if p.status != "paid"]
    return {
        "order_id": order.order_id,
        "buyer_id": order.buyer_id,
        "seller_id": order.seller_id,
        "state": order.state,
        "placed_at": moment(order.placed_at),
        "total": order.total,
        "currency": order.currency,
        "open_requests": len(still_open(order, at)),
        "refunds_owed": sum(unpaid),
    }


def still_open(order: Order, at: datetime) -> list[Any]:
    """Whether a lapse is recorded makes no difference: the deadline does."""
    return [
        request
        for request in order.requests.values()
        if (request.status == "open" or request.lapsed_because == "unanswered")
        and (request.answer_by is None or at <= request.answer_by)
    ]


def shown_refund(order: Order, refund: Any, at: datetime) -> dict[str, Any]:
    whose = {"order_id": order.order_id, "seller_id": order.seller_id, "currency": order.currency}
    return refund_view(refund) | whose | {"overdue": refund.is_overdue(at)}


@pytest.mark.slow
@few
@given(command_logs(), st.lists(st.integers(0, 1000), min_size=3, max_size=3))
def test_the_journal_and_what_was_raised_are_what_is_dated_until_then(made: Any, numbers: list[int]) -> None:
    book = told(made[0])
    with followed(ListedLog(book.log).events) as database:
        for then in moments(book.log, numbers) if book.log else ():
            journal = [entry for entry in ledger.entries(database) if entry.at <= then]
            assert ledger.entries(database, as_of=then) == journal
            sums: dict[str, dict[str, int]] = {}
            for posting in (posting for entry in journal for posting in entry.postings):
                accounts = sums.setdefault(posting.currency, {})
                accounts[posting.account] = accounts.get(posting.account, 0) + posting.amount
            without_zeros = {c: {a: n for a, n in of.items() if n} for c, of in sums.items()}
            assert ledger.balances(database, as_of=then) == {c: of for c, of in without_zeros.items() if of}
            assert owed_by_ledger(database, then) == owed_by_refunds(database, then)
            found = exceptions.exceptions(database, at=then, as_of=then)
            assert [x for x in found if x.kind == "overdue-refund"] == sorted(
                overdue(database, then), key=attrgetter("at", "cursor")
            )
            now = exceptions.exceptions(database, at=then)
            raised = [x for x in now if x.kind != "overdue-refund" and x.at <= then]
            assert [x for x in found if x.kind != "overdue-refund"] == raised


def owed_by_ledger(database: Database, then: datetime) -> dict[str, tuple[int, int]]:
    """What is due and what is deferred of each order that has a refund."""
    having = {refund.order_id for refund in refunds.refunds(database, at=then)}
    found = {}
    for order_id in having:
        of_it = next(iter(ledger.balances(database, order_id=order_id, as_of=then).values()), {})
        found[order_id] = (-of_it.get(accounts.DUE, 0), -of_it.get(accounts.DEFERRED, 0))
    return found


def owed_by_refunds(database: Database, then: datetime) -> dict[str, tuple[int, int]]:
    found = {refund.order_id: (0, 0) for refund in refunds.refunds(database, at=then)}
    for refund in refunds.refunds(database, at=then, as_of=then):
        due, deferred = found[refund.order_id]
        if refund.status == "deferred":
            found[refund.order_id] = (due, deferred + refund.amount)
        else:
            unpaid = sum(payout.amount for payout in refund.payouts if payout.status != "paid")
            found[refund.order_id] = (due + unpaid, deferred)
    return found


def overdue(database: Database, then: datetime) -> list[exceptions.ListedException]:
    found = []
    for refund in refunds.refunds(database, at=then, as_of=then, overdue=True):
        late = [p for p in refund.payouts if p.status != "paid" and p.promised_by and p.promised_by < then]
        since = min(p.promised_by for p in late if p.promised_by)
        cursor = f"{(since - datetime.fromisoformat('1970-01-01T00:00:00Z')) // INSTANT}:{refund.refund_id}"
        amount = sum(p.amount for p in late)
        found.append(
            exceptions.ListedException("overdue-refund", refund.order_id, since, amount, refund.currency, cursor)
        )
    return found


# --- deadlines --------------------------------------------------------------------------------------------------------


def asked_of_a_seller() -> RecordedBook:
    book = RecordedBook()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller")
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    return book


@pytest.mark.parametrize(("by", "still_there"), [(-INSTANT, True), (0 * INSTANT, True), (INSTANT, False)])
@pytest.mark.parametrize("recorded", [False, True], ids=["nobody recorded the lapse", "the lapse is recorded"])
def test_a_clock_job_makes_no_difference_to_what_is_open_at_a_deadline(
    recorded: bool, by: timedelta, still_there: bool
) -> None:
    book = asked_of_a_seller()
    request = book.order("O1").requests["O1:request:1"]
    assert request.answer_by is not None
    if recorded:
        book.accept("pass-time", at="+20d 10:00")
    at = request.answer_by + by
    with followed(ListedLog(book.log).events) as database:
        assert [r.request_id for r in inbox.inbox(database, at=at)] == ["O1:request:1"] * still_there
        for how in ({"at": at}, {"as_of": at}, {"at": at, "as_of": at}):
            assert [order.open_requests for order in orders.orders(database, **how)] == [still_there]


def test_a_request_is_open_from_its_asking_to_its_answer() -> None:
    book = asked_of_a_seller()
    book.accept("answer-cancellation", request_id="O1:request:1", approve=False, at="12:00")
    asked, answered = book.log[-2].at, book.log[-1].at
    with followed(ListedLog(book.log).events) as database:
        for at, number in ((asked - INSTANT, 0), (asked, 1), (answered - INSTANT, 1), (answered, 0)):
            assert len(inbox.inbox(database, at=at)) == number
            assert [order.open_requests for order in orders.orders(database, as_of=at)] == [number]


def test_without_a_time_requests_are_open_as_recorded() -> None:
    book = asked_of_a_seller()
    with followed(ListedLog(book.log).events) as database:
        assert [order.open_requests for order in orders.orders(database)] == [1]
    book.accept("pass-time", at="+20d 10:00")
    with followed(ListedLog(book.log).events) as database:
        assert [order.open_requests for order in orders.orders(database)] == [0]


def test_goods_that_came_back_before_their_return_was_started_are_not_known_until_it_was() -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000})
    book.ship("S1", contents={"O1": "all"}, at="12:00")
    book.accept("deliver", shipment_id="S1", at="14:00")
    book.accept("start-return", order_id="O1", items="all", reason="damaged", at="18:00")
    received = [{"item_id": "A", "quantity": 1, "condition": "unopened"}]
    book.accept("receive-return", return_id="O1:return:1", received=received, at="16:00")
    with followed(ListedLog(book.log).events) as database:
        started = next(event.at for event in book.log if isinstance(event, e.ReturnStarted))
        for as_of, state, number in ((started - INSTANT, "delivered", 0), (started, "returned", 1)):
            assert [order.state for order in orders.orders(database, as_of=as_of)] == [state]
            assert len(refunds.refunds(database, at=as_of, as_of=as_of)) == number
