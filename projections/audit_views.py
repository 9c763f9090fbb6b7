"""What the read models say of many orders or shipments at once, for audits that hold it against the log.

An audit believes nothing: a row that cannot be understood says ``UNREADABLE``.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, func, inspect, select

from ..domain.vocabulary import OrderUnits, Units
from . import registry
from .database import Database
from .exceptions import EXCEPTIONS, Exceptions
from .inbox import REQUESTS, Inbox
from .ledger import ENTRIES, POSTINGS, Ledger
from .orders import ORDERS, OrderList
from .projection import Projection, instant
from .refund_story import Payout, told
from .refunds import REFUNDS, Refunds
from .shipments import SHIPMENTS, Said, Shipments, state_by
from .understood import NOT_UNDERSTOOD

Fields = dict[str, Any]
"""What a row says, by the name of what it says; times are aware, amounts minor units."""
Facts = dict[str, Fields]
"""Rows about an order or a shipment, by their names; its only row is called nothing."""
UNREADABLE: Fields = {"its row": "unreadable"}


_decode_requests = msgspec.json.Decoder(dict[str, int | None]).decode
_decode_items = msgspec.json.Decoder(dict[str, int]).decode
_decode_packed = msgspec.json.Decoder(list[OrderUnits]).decode
_decode_taken = msgspec.json.Decoder(list[tuple[int, list[OrderUnits]]]).decode
_decode_history = msgspec.json.Decoder(list[Said]).decode


def facts(database: Database, projection: Projection, ids: Sequence[str]) -> dict[str, Facts]:
    """What a read model says of the orders of these ids, or of the shipments, where it is about these."""
    asked, name_of, fields_of = _READ[type(projection)]
    found: dict[str, Facts] = {}
    with registry.reading(database, projection) as connection:
        for row in connection.execute(asked(ids)):
            try:
                fields = fields_of(row)
            except NOT_UNDERSTOOD:
                fields = UNREADABLE
            found.setdefault(row[0], {}).setdefault(name_of(row), {}).update(fields)
    return found


def lost(database: Database, projection: Projection) -> list[str]:
    """The tables of a read model, and columns of them, that are gone although it was built."""
    missing: list[str] = []
    with database.reading() as connection:
        inspector = inspect(connection)
        for table in projection.tables.values():
            if not inspector.has_table(table.name):
                missing.append(table.name)
                continue
            there = {column["name"] for column in inspector.get_columns(table.name)}
            missing += [f"{table.name}.{column.name}" for column in table.columns if column.name not in there]
    return missing


def _unnamed(_: Any) -> str:
    return ""


def _second(row: Any) -> str:
    return str(row[1])


def _maybe(us: int | None) -> datetime | None:
    return None if us is None else instant(us)


# --- orders -----------------------------------------------------------------------------------------------------------


def _orders(ids: Sequence[str]) -> Select[Any]:
    return select(ORDERS).where(ORDERS.c.order_id.in_(ids))


def _order(row: Any) -> Fields:
    return {
        "state": row.state,
        "buyer": row.buyer_id,
        "seller": row.seller_id,
        "fulfilled by": row.fulfilled_by,
        "placed": instant(row.placed_us),
        "currency": row.currency,
        "total": row.total,
        "open requests": row.open_requests,
        "refunds owed": row.refunds_owed,
        "to be answered": {request: _maybe(by) for request, by in _decode_requests(row.requests).items()},
        "states of units": row.units,
    }


# --- refunds ----------------------------------------------------------------------------------------------------------


def _refunds(ids: Sequence[str]) -> Select[Any]:
    its_id = REFUNDS.c.refund_id
    rest = (column for column in REFUNDS.c if column.name not in ("order_id", "refund_id"))
    return select(REFUNDS.c.order_id, its_id, *rest).where(REFUNDS.c.order_id.in_(ids))


def _refund(row: Any) -> Fields:
    refund = told(row.made, row.story, None)
    payouts = {f"payout to {payout.payment_id}": _payout(payout) for payout in refund.payouts}
    return {
        "status": row.status,
        "status by its story": refund.status(),
        "amount": refund.amount,
        "currency": row.currency,
        "buyer": row.buyer_id,
        "seller": row.seller_id,
        "cause": refund.cause,
        "rule": refund.rule,
        "funded by": refund.funded_by,
        "processor": refund.processor,
        "items": refund.items,
        "kept": [(deduction.kind, deduction.amount) for deduction in refund.deductions],
        "due": _maybe(refund.due_us),
        "next promise": _maybe(row.next_promise_us),
        **payouts,
    }


def _payout(payout: Payout) -> tuple[Any, ...]:
    return payout.amount, payout.method, payout.status, _maybe(payout.promised_us), payout.attempts


# --- the ledger -------------------------------------------------------------------------------------------------------


def _balances(ids: Sequence[str]) -> Select[Any]:
    account = (POSTINGS.c.account, POSTINGS.c.currency, ENTRIES.c.seller_id)
    return (
        select(ENTRIES.c.order_id, *account, func.sum(POSTINGS.c.amount))
        .join(POSTINGS, POSTINGS.c.entry == ENTRIES.c.entry)
        .where(ENTRIES.c.order_id.in_(ids))
        .group_by(ENTRIES.c.order_id, *account)
        .having(func.sum(POSTINGS.c.amount) != 0)
    )


def _balance(row: Any) -> Fields:
    _, account, currency, seller_id, amount = row
    return {balance(account, currency, seller_id): int(amount)}


def balance(account: str, currency: str, seller_id: str | None) -> str:
    """The name of the balance of an account, as far as a seller's orders made it."""
    return f"{account} in {currency}{'' if seller_id is None else f' of the seller {seller_id}'}"


# --- the inbox and exceptions -----------------------------------------------------------------------------------------


def _requests(ids: Sequence[str]) -> Select[Any]:
    rest = (column for column in REQUESTS.c if column.name not in ("order_id", "request_id"))
    return select(REQUESTS.c.order_id, REQUESTS.c.request_id, *rest).where(REQUESTS.c.order_id.in_(ids))


def _request(row: Any) -> Fields:
    return {
        "of": row.party,
        "buyer": row.buyer_id,
        "seller": row.seller_id,
        "asked": instant(row.asked_us),
        "answer by": _maybe(row.answer_by_us),
        "open": row.closed_us is None,
        "items": _decode_items(row[-1]),
    }


def _exceptions(ids: Sequence[str]) -> Select[Any]:
    what = (EXCEPTIONS.c.kind, EXCEPTIONS.c.at_us, EXCEPTIONS.c.amount, EXCEPTIONS.c.currency)
    who = (EXCEPTIONS.c.buyer_id, EXCEPTIONS.c.seller_id)
    times = func.count().label("times")
    return (
        select(EXCEPTIONS.c.order_id, *what, *who, times)
        .where(EXCEPTIONS.c.order_id.in_(ids))
        .group_by(EXCEPTIONS.c.order_id, *what, *who)
    )


def _exception(row: Any) -> Fields:
    return {"at": instant(row.at_us), "buyer": row.buyer_id, "seller": row.seller_id, "times": row.times}


def _exception_name(row: Any) -> str:
    return exception(row.kind, row.at_us, row.amount, row.currency)


def exception(kind: str, at_us: int, amount: int, currency: str) -> str:
    """The name of rows of exceptions that are alike."""
    return f"{kind} of {amount} {currency} at {at_us} µs"


# --- shipments --------------------------------------------------------------------------------------------------------


def _shipments(ids: Sequence[str]) -> Select[Any]:
    return select(SHIPMENTS).where(SHIPMENTS.c.shipment_id.in_(ids))


def _shipment(row: Any) -> Fields:
    gone = {
        (out.order_id, item_id, number)
        for _, contents in _decode_taken(row.taken_out)
        for out in contents
        for item_id, numbers in out.units.items()
        for number in numbers
    }
    history = _decode_history(row.history)
    left: dict[str, Units] = {}
    for content in _decode_packed(row.packed) if row.state != "unpacked" else ():
        for item_id, numbers in content.units.items():
            if rest := [number for number in numbers if (content.order_id, item_id, number) not in gone]:
                left.setdefault(content.order_id, {})[item_id] = rest
    return {
        "state": row.state,
        "state by its history": state_by(history),
        "attempts": sum(said.attempt for said in history),
        "buyer": row.buyer_id,
        "carrier": row.carrier,
        "tracking number": row.tracking_number,
        "mail class": row.mail_class,
        "contents": left,
        "history": [(instant(said.at_us), said.report, said.effect) for said in history],
    }


_Asked = Callable[[Sequence[str]], Select[Any]]
_READ: dict[type[Projection], tuple[_Asked, Callable[[Any], str], Callable[[Any], Fields]]] = {
    OrderList: (_orders, _unnamed, _order),
    Refunds: (_refunds, _second, _refund),
    Ledger: (_balances, _unnamed, _balance),
    Inbox: (_requests, _second, _request),
    Exceptions: (_exceptions, _exception_name, _exception),
    Shipments: (_shipments, _unnamed, _shipment),
}
"""What is asked for, the name of a row, and what it says; its first column is whom it is about."""
