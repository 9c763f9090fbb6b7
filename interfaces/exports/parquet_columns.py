"""The columns of the events as Parquet: their names, kinds and meanings, and how an event fills them.

Knows nothing of the library that writes them. A change of a name or a kind is another format.
"""

from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec

from ...application.store.scan import Row
from ...domain.events import EVENT_TYPES, OrderPlaced

FORMAT = 1
PARTITION = "recorded_on"
"""In the folders' names: the day of `recorded_at` in UTC."""

Kind = Literal["integer", "text", "word", "time", "boolean"]
"""A word is one of few texts, kept as a dictionary; a time is in microseconds, UTC."""


class Column(NamedTuple):
    """A column, and what it tells."""

    kind: Kind
    meaning: str


ENVELOPE: dict[str, Column] = {
    "position": Column("integer", "where it is in the whole log"),
    "stream": Column("text", "whose event it is, such as `order:O1`"),
    "version": Column("integer", "which one of its stream"),
    "subject": Column("word", "`order` or `shipment`"),
    "type": Column("word", "the stored name, such as `items-cancelled`"),
    "schema": Column("integer", "the version of the shape of `data`"),
    "at": Column("time", "when it happened"),
    "recorded_at": Column("time", "when it was recorded"),
    "actor": Column("word", "the role that caused it"),
    "actor_id": Column("text", "which buyer or seller"),
    "command_id": Column("text", "the command that it comes from"),
    "rule": Column("word", "by which it was decided"),
    "buyer_id": Column("text", "whose order or parcel it is"),
}
DERIVED: dict[str, Column] = {
    "total": Column("integer", "of `order-placed`: what was paid, the sum of its payments"),
    "units": Column("integer", "how many units it is about"),
}
FIELDS: dict[str, Column] = {
    "order_id": Column("text", "of an order's event"),
    "shipment_id": Column("text", "of a shipment's event, and of an order's where it is about a parcel"),
    "seller_id": Column("text", "of `order-placed`, sold by a seller"),
    "fulfilled_by": Column("word", "`marketplace` or `seller`"),
    "currency": Column("word", "of `order-placed`: the currency of all amounts of the order"),
    "policy_version": Column("word", "of `order-placed`: the policy that it is judged by"),
    "inferred": Column("boolean", "whether a later report proves it"),
    "report": Column("word", "of a shipment's event: the command that reported it"),
    "request_id": Column("text", "the cancellation request"),
    "scope": Column("word", "of an approval: `parcel` or `units`"),
    "return_id": Column("text", "the return"),
    "refund_to": Column("word", "`original` or `store-credit`"),
    "claim_id": Column("text", "the claim"),
    "reason": Column("word", "the code that was given"),
    "because": Column("word", "why it lapsed, or was unexpected"),
    "kind": Column("word", "of `exception-raised`: what a person must look at"),
    "refund_id": Column("text", "the refund"),
    "cause": Column("word", "of `refund-owed`"),
    "value": Column("integer", "of `refund-owed`: what the units are worth"),
    "tax": Column("integer", "of `refund-owed`: how much of `value` is tax"),
    "amount": Column("integer", "of a refund, a payout, a payment or an exception"),
    "funded_by": Column("word", "of `refund-owed`: `marketplace` or `seller`"),
    "processor": Column("word", "of `refund-owed`: who pays it out"),
    "due_at": Column("time", "since when a refund is due"),
    "payment_id": Column("text", "the payment that is paid back"),
    "method": Column("word", "how it was paid"),
    "attempt": Column("integer", "of `payout-submitted`"),
    "reference": Column("text", "the gateway's, of what was paid or failed"),
}
DATA = Column("text", "the stored JSON, byte for byte")
COLUMNS: dict[str, Column] = {**ENVELOPE, **DERIVED, **FIELDS, "data": DATA}
"""All of them, in this order. Amounts are whole minor units; what an event does not tell is null."""


def values(row: Row) -> tuple[Any, ...]:
    """What an event's row tells, in the order of `COLUMNS`; raises ``ValueError`` where it is no event."""
    event = row.event()
    total = sum(payment.amount for payment in event.payments) if isinstance(event, OrderPlaced) else None
    units = getattr(event, "units", None)
    return (
        row.position,
        row.stream,
        row.version,
        event.subject.removesuffix("_id"),
        row.name,
        event.schema if event.current == 1 else _shape(row.state).schema,  # as it was stored, and not as it is read
        *_ENVELOPE_OF(event),
        total,
        None if units is None else sum(map(len, units.values())),
        *(getattr(event, name) if name else None for name in _HELD[type(event)]),
        row.state.decode(),
    )


_ENVELOPE_OF = attrgetter("at", "recorded_at", "actor", "actor_id", "command_id", "rule", "buyer_id")
_HELD = {kind: [name if name in kind.__struct_fields__ else "" for name in FIELDS] for kind in EVENT_TYPES.values()}
"""`FIELDS` by an event's class, empty for those that it does not have."""


class _Shape(msgspec.Struct):
    schema: int = 1


_shape = msgspec.json.Decoder(_Shape).decode
