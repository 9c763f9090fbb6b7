"""What happened, as stored: the names in ``tag=`` and the fields are contracts; old logs must always decode.

Two streams: an order's (``order:O1``) and a shipment's (``shipment:S1``). Every event says when it happened (``at``),
when it was learned (``recorded_at``), who caused it, by which command and rule, and whose order it is (``buyer_id``,
the partition of everything that changes together). Units are numbers by item; amounts are minor units; times are UTC.
Knows no rule: events are facts.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Literal, Union

import msgspec
from msgspec import Struct

from .upcasting import upcast
from .vocabulary import Carrier, Cause, Fulfiller, Line, OrderUnits, Party, Payment, RefundTarget, Role, Scope, Units

ExceptionKind = Literal["delivered-after-refund", "turned-up"]
UnexpectedBecause = Literal["unknown-payout", "deferred", "already-paid", "other-amount"]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """The envelope. ``schema`` is the version of the event's shape; ``actor_id`` a buyer's or seller's id."""

    type: ClassVar[str]
    """The stored name, such as ``items-cancelled``: the class's tag."""
    subject: ClassVar[str]
    """The field that names whose event it is: ``order_id`` or ``shipment_id``."""
    current: ClassVar[int] = 1
    """The ``schema`` of today's shape; earlier ones are upcast when they are read."""
    version: int
    at: datetime
    recorded_at: datetime
    actor: Role
    command_id: str
    rule: str
    buyer_id: str
    actor_id: str | None = None
    schema: int = 1

    @property
    def stream(self) -> str:
        """The stream's name in the store, such as ``order:O1``."""
        raise NotImplementedError


class OrderEvent(Event, frozen=True, kw_only=True):
    """An event of an order's stream."""

    subject = "order_id"
    order_id: str

    @property
    def stream(self) -> str:
        """The stream's name in the store."""
        return f"order:{self.order_id}"


class ShipmentEvent(Event, frozen=True, kw_only=True):
    """An event of a shipment's stream."""

    subject = "shipment_id"
    shipment_id: str

    @property
    def stream(self) -> str:
        """The stream's name in the store."""
        return f"shipment:{self.shipment_id}"


# --- an order's units -------------------------------------------------------------------------------------------------


class OrderPlaced(OrderEvent, frozen=True, kw_only=True, tag="order-placed"):
    """The order, fully paid; seller-fulfilled units start in ``seller-window``."""

    fulfilled_by: Fulfiller
    currency: str
    items: list[Line]
    payments: list[Payment]
    policy_version: str
    seller_id: str | None = None


class ItemsMoved(OrderEvent, frozen=True, kw_only=True):
    """Units that moved by ``trigger`` of the lifecycle; ``inferred`` steps are proven by a later report (SCAN-2)."""

    trigger: ClassVar[str]
    units: Units
    shipment_id: str | None = None
    inferred: bool = False


class SellerWindowClosed(ItemsMoved, frozen=True, kw_only=True, tag="seller-window-closed"):
    """The buyer's time to cancel directly is over (SELLER-1)."""

    trigger = "close-seller-window"


class LostAfter(Struct, frozen=True, gc=False):
    """When a parcel under way, or coming back, is taken as lost (LOST-1), in days."""

    dispatch_days: int
    turning_days: int


class ItemsPacked(ItemsMoved, frozen=True, kw_only=True, tag="items-packed"):
    """``lost_after``: the terms that count where the orders of a parcel have different policies."""

    trigger = "pack"
    current = 2
    lost_after: LostAfter | None = None


class ItemsUnpacked(ItemsMoved, frozen=True, kw_only=True, tag="items-unpacked"):
    """Their parcel was taken apart; they are back in the state that their clock says (PACK-2)."""

    trigger = "unpack"
    to: Literal["placed", "seller-window", "with-seller"]


class ItemsDispatched(ItemsMoved, frozen=True, kw_only=True, tag="items-dispatched"):
    """The carrier took them; a label alone is no dispatch (RULEBOOK section 1)."""

    trigger = "dispatch"


class DeliveryStarted(ItemsMoved, frozen=True, kw_only=True, tag="delivery-started"):
    """They are on the van."""

    trigger = "start-delivery"


class AttemptFailed(ItemsMoved, frozen=True, kw_only=True, tag="attempt-failed"):
    """Nobody took them at the door: they are ``shipped`` again."""

    trigger = "fail-attempt"


class ItemsDelivered(ItemsMoved, frozen=True, kw_only=True, tag="items-delivered"):
    """The buyer has them; the return window runs from ``at`` (RETURN-1)."""

    trigger = "deliver"


class ItemsRefused(ItemsMoved, frozen=True, kw_only=True, tag="items-refused"):
    """Not accepted at the door, on their way back (REFUSE-1)."""

    trigger = "refuse"


class ItemsTurnedBack(ItemsMoved, frozen=True, kw_only=True, tag="items-turned-back"):
    """``requested``: by an approved cancellation (CANCEL-4), not because undeliverable."""

    trigger = "turn-back"
    requested: bool = False


class ItemsLost(ItemsMoved, frozen=True, kw_only=True, tag="items-lost"):
    """Reported lost (SCAN-1), or not heard of for too long (LOST-1)."""

    trigger = "lose"


class ItemsReturned(ItemsMoved, frozen=True, kw_only=True, tag="items-returned"):
    """The parcel came back unaccepted and was received."""

    trigger = "receive"


class ItemsCancelled(ItemsMoved, frozen=True, kw_only=True, tag="items-cancelled"):
    """``taken_out``: the goods left their parcel, which goes on without them."""

    trigger = "cancel"
    taken_out: bool = False
    reason: str | None = None


class ItemsRefunded(OrderEvent, frozen=True, kw_only=True, tag="items-refunded"):
    """Every payout of the refund is paid, so its units are settled."""

    refund_id: str
    units: Units


# --- requests ---------------------------------------------------------------------------------------------------------


class CancellationRequested(OrderEvent, frozen=True, kw_only=True, tag="cancellation-requested"):
    """``accepted``: the other units that the buyer accepted to lose with it (COMBINED-1)."""

    request_id: str
    to: Party
    units: Units
    accepted: list[OrderUnits] = []
    answer_by: datetime | None = None
    reason: str | None = None


class CancellationApproved(OrderEvent, frozen=True, kw_only=True, tag="cancellation-approved"):
    """The party asked said yes to ``scope``; what became of the units is in events of its own."""

    request_id: str
    scope: Scope
    reason: str | None = None


class CancellationDeclined(OrderEvent, frozen=True, kw_only=True, tag="cancellation-declined"):
    """The party asked said no: the units go on, and may be requested again."""

    request_id: str
    reason: str | None = None


class CancellationLapsed(OrderEvent, frozen=True, kw_only=True, tag="cancellation-lapsed"):
    """It was overtaken, or its time was over; ``because`` says what came first (RULEBOOK section 4)."""

    request_id: str
    because: str


# --- returns ----------------------------------------------------------------------------------------------------------


class ReturnStarted(OrderEvent, frozen=True, kw_only=True, tag="return-started"):
    """Units are to go back; undone at ``lapses_at`` unless handed over or received (RETURN-4)."""

    return_id: str
    units: Units
    reason: str
    refund_to: RefundTarget
    lapses_at: datetime


class ReturnWithdrawn(OrderEvent, frozen=True, kw_only=True, tag="return-withdrawn"):
    """The buyer keeps ``units`` after all: they are ``delivered`` again (RETURN-4)."""

    return_id: str
    units: Units


class ReturnHandedOver(OrderEvent, frozen=True, kw_only=True, tag="return-handed-over"):
    """The goods are with a carrier: the return cannot lapse unsent any more (RETURN-4)."""

    return_id: str
    tracking_number: str | None = None


class ReturnReceived(OrderEvent, frozen=True, kw_only=True, tag="return-received"):
    """``units`` came back; ``opened`` are those of them that were opened."""

    return_id: str
    units: Units
    opened: Units = {}


class ReturnLapsed(OrderEvent, frozen=True, kw_only=True, tag="return-lapsed"):
    """``units`` did not come in time: they are ``delivered`` again (RETURN-4)."""

    return_id: str
    units: Units


class ReturnLost(OrderEvent, frozen=True, kw_only=True, tag="return-lost"):
    """``units`` were lost on their way back (RETURN-6, LOST-1)."""

    return_id: str
    units: Units


# --- refunds ----------------------------------------------------------------------------------------------------------


class Deduction(Struct, frozen=True, gc=False):
    """What is kept of a refund, in minor units."""

    kind: Literal["restocking", "return-shipping"]
    amount: int


class PayoutOwed(Struct, frozen=True, omit_defaults=True, gc=False):
    """One payment's part of a refund; ``promised_by`` is absent while the refund is deferred."""

    payment_id: str
    method: str
    amount: int
    promised_by: datetime | None = None


class RefundOwed(OrderEvent, frozen=True, kw_only=True, tag="refund-owed"):
    """``value`` of the units (of it ``tax``) less ``deductions`` is ``amount``, which the payouts add up to.

    Deferred (PARTIAL-1) as long as ``due_at`` is absent.
    """

    refund_id: str
    cause: Cause
    units: Units
    value: int
    tax: int
    amount: int
    funded_by: Fulfiller
    processor: Fulfiller
    payouts: list[PayoutOwed]
    deductions: list[Deduction] = []
    due_at: datetime | None = None
    return_id: str | None = None
    shipment_id: str | None = None


class RefundReleased(OrderEvent, frozen=True, kw_only=True, tag="refund-released"):
    """A deferred refund fell due; ``promises`` by payment id."""

    refund_id: str
    due_at: datetime
    promises: dict[str, datetime]


class RefundTakenOver(OrderEvent, frozen=True, kw_only=True, tag="refund-taken-over"):
    """The marketplace processes it from now on (CLAIM-2); ``promises`` are the owed payouts' new ones."""

    refund_id: str
    due_at: datetime
    promises: dict[str, datetime]
    was_deferred: bool = False


class PayoutSubmitted(OrderEvent, frozen=True, kw_only=True, tag="payout-submitted"):
    """Stored before the gateway is called (REFUND-4); ``inferred`` if only its report proves it (REFUND-5)."""

    refund_id: str
    payment_id: str
    attempt: int
    idempotency_key: str
    inferred: bool = False


class PayoutPaid(OrderEvent, frozen=True, kw_only=True, tag="payout-paid"):
    """``amount`` is the payout's; a difference to what moved is a ``payment-unexpected`` of its own."""

    refund_id: str
    payment_id: str
    method: str
    amount: int
    reference: str


class PayoutFailed(OrderEvent, frozen=True, kw_only=True, tag="payout-failed"):
    """The gateway did not pay: it is owed as before, and may be submitted anew (REFUND-4)."""

    refund_id: str
    payment_id: str
    reference: str
    reason: str | None = None


class PayoutBounced(OrderEvent, frozen=True, kw_only=True, tag="payout-bounced"):
    """A paid payout came back: it is owed again."""

    refund_id: str
    payment_id: str
    method: str
    amount: int
    reference: str
    reason: str | None = None


class PaymentUnexpected(OrderEvent, frozen=True, kw_only=True, tag="payment-unexpected"):
    """Money that nobody owed moved (or a difference, possibly negative): a person must look."""

    refund_id: str
    payment_id: str
    method: str
    amount: int
    reference: str
    because: UnexpectedBecause


class ExceptionRaised(OrderEvent, frozen=True, kw_only=True, tag="exception-raised"):
    """Something that a person must look at; ``amount`` is the value at risk."""

    kind: ExceptionKind
    amount: int
    units: Units
    shipment_id: str | None = None
    return_id: str | None = None


# --- claims -----------------------------------------------------------------------------------------------------------


class ClaimFiled(OrderEvent, frozen=True, kw_only=True, tag="claim-filed"):
    """``grounds``: which units each ground of CLAIM-1 held for, such as ``a:O1:request:1``."""

    claim_id: str
    units: Units
    grounds: dict[str, Units]
    reason: str | None = None


class ClaimGranted(OrderEvent, frozen=True, kw_only=True, tag="claim-granted"):
    """The marketplace settles it: the refunds made or taken over are events of their own (CLAIM-2)."""

    claim_id: str
    reason: str | None = None


class ClaimDenied(OrderEvent, frozen=True, kw_only=True, tag="claim-denied"):
    """Nothing else changes, but its grounds are used up (CLAIM-3)."""

    claim_id: str
    reason: str | None = None


class ClaimWithdrawn(OrderEvent, frozen=True, kw_only=True, tag="claim-withdrawn"):
    """The buyer dropped it, and its grounds are used up (CLAIM-3)."""

    claim_id: str


# --- a shipment -------------------------------------------------------------------------------------------------------


class ShipmentPacked(ShipmentEvent, frozen=True, kw_only=True, tag="shipment-packed"):
    """The parcel exists; ``contents`` by order, all of one buyer (PACK-1, COMBINED-2)."""

    contents: list[OrderUnits]
    carrier: Carrier
    fulfilled_by: Fulfiller
    tracking_number: str | None = None
    mail_class: str | None = None


class ContentsTakenOut(ShipmentEvent, frozen=True, kw_only=True, tag="contents-taken-out"):
    """Units that were cancelled without the rest of their parcel."""

    contents: list[OrderUnits]


class ShipmentMoved(ShipmentEvent, frozen=True, kw_only=True):
    """The parcel is in ``state`` now; ``report`` is the command that said so, ``inferred`` if a later one proves it."""

    state: ClassVar[str]
    report: str
    inferred: bool = False


class ShipmentUnpacked(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-unpacked"):
    """Taken apart before it left (PACK-2)."""

    state = "unpacked"


class ShipmentCancelled(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-cancelled"):
    """Nothing goes with it any more: its last units were cancelled."""

    state = "cancelled"


class ShipmentDispatched(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-dispatched"):
    """The carrier took it."""

    state = "shipped"


class ShipmentOutForDelivery(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-out-for-delivery"):
    """It is on the van."""

    state = "out-for-delivery"


class ShipmentAttempted(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-attempted"):
    """Nobody took it: it is back with the carrier."""

    state = "shipped"


class ShipmentDelivered(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-delivered"):
    """The buyer has it."""

    state = "delivered"


class ShipmentRefused(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-refused"):
    """Not accepted at the door, on its way back (REFUSE-1)."""

    state = "refused"


class ShipmentTurnedBack(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-turned-back"):
    """Undeliverable, or called back by an approved cancellation (CANCEL-4)."""

    state = "returning"


class ShipmentLost(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-lost"):
    """Reported lost (SCAN-1), or not heard of for too long (LOST-1)."""

    state = "lost"


class ShipmentReturned(ShipmentMoved, frozen=True, kw_only=True, tag="shipment-returned"):
    """Received by whoever sent it (RETURN-5)."""

    state = "returned"


class ReportNoted(ShipmentEvent, frozen=True, kw_only=True, tag="report-noted"):
    """A report that changes nothing: recorded once (SCAN-1)."""

    report: str


# --- the stored form --------------------------------------------------------------------------------------------------


def _concrete(base: type[Event]) -> list[type[Event]]:
    leaves = [leaf for sub in base.__subclasses__() for leaf in _concrete(sub)]
    return leaves or [base]


EVENT_TYPES: dict[str, type[Event]] = {str(kind.__struct_config__.tag): kind for kind in _concrete(Event)}
"""Every event by its stored name."""
for _name, _kind in EVENT_TYPES.items():
    _kind.type = _name

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Union[tuple(EVENT_TYPES.values())])  # noqa: UP007 - built from the table


def encode(event: Event) -> bytes:
    """The event as stored: compact JSON with its name in ``type``."""
    return _encoder.encode(event)


def decode(state: bytes) -> Event:
    """The event back from its stored form, in today's shape, whichever it was stored in.

    Raises ``msgspec.ValidationError`` for a name, a field or a ``schema`` that this version does not know.
    """
    try:
        event: Event = _decoder.decode(state)
    except msgspec.ValidationError:
        return _decode_earlier(state)
    return event if event.schema == event.current else _decode_earlier(state)


def streams_of(events: Iterable[Event]) -> list[str]:
    """The ``stream`` of each event, at half the cost of asking each of them."""
    several: Iterable[Any] = events
    return [
        "order:" + event.order_id if event.subject == "order_id" else "shipment:" + event.shipment_id
        for event in several
    ]


def _decode_earlier(state: bytes) -> Event:
    raw = msgspec.json.decode(state)
    kind = EVENT_TYPES.get(str(raw.get("type"))) if isinstance(raw, dict) else None
    schema = raw.get("schema", 1) if kind else None
    if kind is None or not isinstance(schema, int) or schema == kind.current:
        event: Event = _decoder.decode(state)  # which says what is wrong with it
        return event
    if not 1 <= schema < kind.current:
        raise msgspec.ValidationError(f"{kind.type} has schema {schema}, and this version knows {kind.current}")
    upcasted: Event = _decoder.decode(msgspec.json.encode(upcast(raw, kind.current)))
    return upcasted
