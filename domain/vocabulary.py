"""The nouns that commands and events share, spelled as in the interface.

Knows no rule: only shapes. Amounts are integers in minor units, times are aware and in UTC.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Role = Literal["buyer", "seller", "warehouse", "carrier", "marketplace", "system"]
Fulfiller = Literal["marketplace", "seller"]
Party = Literal["warehouse", "seller", "carrier"]
Scope = Literal["parcel", "units"]
CarrierKind = Literal["own", "partner"]
RefundTarget = Literal["original", "store-credit"]
Condition = Literal["unopened", "opened"]
ReturnReason = Literal["changed-mind", "damaged", "wrong-item", "not-as-described", "late", "other"]
Cause = Literal["cancelled", "refused", "undeliverable", "lost", "returned", "claim"]

STORE_CREDIT = "store-credit"

LARGEST_AMOUNT = 10**12
LARGEST_QUANTITY = 10_000

Id = Annotated[str, Meta(min_length=1, max_length=200)]
GivenId = Annotated[str, Meta(min_length=1, max_length=240)]
"""An id that the engine gave: an order's id and a suffix such as ``:refund:1``."""
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Code = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,40}\Z")]
Currency = Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
Quantity = Annotated[int, Meta(ge=1, le=LARGEST_QUANTITY)]
Amount = Annotated[int, Meta(ge=0, le=LARGEST_AMOUNT)]
Positive = Annotated[int, Meta(ge=1, le=LARGEST_AMOUNT)]

Units = dict[str, list[int]]
"""Unit numbers by item id, ascending: ``{"A": [1, 3]}``."""


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A line of an order; ``tax``, ``shipping`` and ``discount`` are totals of the whole line, in minor units."""

    item_id: Id
    sku: Text
    quantity: Quantity
    unit_price: Amount
    tax: Amount = 0
    shipping: Amount = 0
    discount: Amount = 0
    category: Text | None = None
    title: Text | None = None

    @property
    def total(self) -> int:
        """What the buyer pays for the line, in minor units."""
        return self.unit_price * self.quantity + self.tax + self.shipping - self.discount


class Payment(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Money captured for the order: ``amount`` in minor units of the order's currency."""

    payment_id: Id
    method: Code
    amount: Positive


class Carrier(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Who drives the parcel: the marketplace's ``own`` vans, or a ``partner``."""

    name: Text
    kind: CarrierKind


class OrderUnits(Struct, frozen=True, gc=False):
    """Units of one order, for example a parcel's share of it."""

    order_id: str
    units: Units
