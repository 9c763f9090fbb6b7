"""What the read models say of many orders at once, for audits that hold it against the log."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import func, select

from . import accounts, registry
from .database import Database
from .ledger import ENTRIES, POSTINGS, Ledger
from .orders import ORDERS, OrderList
from .refunds import REFUNDS, Refunds

ASKED = (OrderList(), Refunds(), Ledger())
"""The projections that are asked."""


class OrderAsRead(Struct, frozen=True):
    """``refunds``: (status, amount) by id; ``balances``: what the ledger owes by account, in minor units, positive."""

    state: str
    open_requests: int
    refunds: dict[str, tuple[str, int]]
    balances: dict[str, int]


class _Made(Struct, array_like=True):
    """As much of a refund's row as is asked for."""

    cause: str
    rule: str
    funded_by: str
    processor: str
    amount: int


_decode_made = msgspec.json.Decoder(_Made).decode


def orders_as_read(database: Database, order_ids: Sequence[str]) -> dict[str, OrderAsRead]:
    """The orders of these ids; one that the list of orders does not have is left out."""
    listed = select(ORDERS.c.order_id, ORDERS.c.state, ORDERS.c.open_requests).where(ORDERS.c.order_id.in_(order_ids))
    refunded = select(REFUNDS.c.order_id, REFUNDS.c.refund_id, REFUNDS.c.status, REFUNDS.c.made)
    owed = (
        select(ENTRIES.c.order_id, POSTINGS.c.account, func.sum(POSTINGS.c.amount))
        .join(POSTINGS, POSTINGS.c.entry == ENTRIES.c.entry)
        .where(ENTRIES.c.order_id.in_(order_ids), POSTINGS.c.account.in_([accounts.DUE, accounts.DEFERRED]))
        .group_by(ENTRIES.c.order_id, POSTINGS.c.account)
    )
    refunds: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    balances: dict[str, dict[str, int]] = defaultdict(dict)
    with registry.reading(database, *ASKED) as connection:
        for order_id, refund_id, status, made in connection.execute(refunded.where(REFUNDS.c.order_id.in_(order_ids))):
            refunds[order_id][refund_id] = (status, _decode_made(made).amount)
        for order_id, account, amount in connection.execute(owed):
            balances[order_id][account] = -int(amount)
        return {
            order_id: OrderAsRead(state, open_requests, refunds[order_id], balances[order_id])
            for order_id, state, open_requests in connection.execute(listed)
        }
