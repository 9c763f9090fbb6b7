"""What people and programs may ask for: one struct a command, and ``parse``, which names the field that is wrong.

Only what a single field shows is judged here (type, sign, range, spelling); everything else is a rule's affair.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from .errors import Malformed
from .money import CURRENCIES
from .vocabulary import (
    STORE_CREDIT,
    Carrier,
    Code,
    Condition,
    Currency,
    Fulfiller,
    GivenId,
    Id,
    Line,
    Payment,
    Positive,
    Quantity,
    RefundTarget,
    ReturnReason,
    Role,
    Scope,
    Text,
)

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)

Time = Annotated[datetime, Meta(tz=True)]
Wanted = dict[Id, Quantity] | Literal["all"]
"""Quantities by item id, or ``"all"``: every unit to which the command could apply."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="command", gc=False):
    """What every command carries; ``at`` is stamped by the engine where it is embedded (TIME-3)."""

    name: ClassVar[str]
    """The command's name, such as ``cancel-items``: the class's tag."""
    roles: ClassVar[tuple[Role, ...]]
    is_report: ClassVar[bool] = False
    command_id: Id
    at: Time | None = None
    actor: Role | None = None
    actor_id: Id | None = None

    def __post_init__(self) -> None:
        _check_printable(self)
        if self.at is not None and not EARLIEST <= self.at < LATEST:
            raise ValueError("at is outside the years 1900 to 8999")
        self.check()

    def check(self) -> None:
        """What a single field of this command must show besides its type; raises ``ValueError`` naming it."""


class _Items(Command, frozen=True, kw_only=True):
    """A command on units of one order: ``items`` are quantities by item id, never empty."""

    order_id: Id
    items: Wanted

    def check(self) -> None:
        if not self.items:
            raise ValueError("items is empty")


class PlaceOrder(Command, frozen=True, kw_only=True, tag="place-order"):
    """The host has an order's money in full: start its life (ORDER-1, ORDER-3). Amounts in minor units."""

    roles = ("marketplace",)
    order_id: Id
    buyer_id: Id
    fulfilled_by: Fulfiller
    currency: Currency
    items: Annotated[list[Line], Meta(min_length=1)]
    payments: list[Payment]
    seller_id: Id | None = None

    def check(self) -> None:
        if self.fulfilled_by == "seller" and self.seller_id is None:
            raise ValueError("seller_id is missing: fulfilled_by is seller")
        if self.currency not in CURRENCIES:
            raise ValueError(f"currency {self.currency} is not an ISO 4217 code")
        if any(payment.payment_id == STORE_CREDIT for payment in self.payments):
            raise ValueError(f"payments: payment_id may not be {STORE_CREDIT}")


class CancelItems(_Items, frozen=True, kw_only=True, tag="cancel-items"):
    """Cancel units at once, where nobody needs to be asked (CANCEL-1, CANCEL-5, SELLER-1; COMBINED-1)."""

    roles = ("buyer", "seller", "marketplace")
    reason: Code | None = None
    accept_cascade: bool = False


class RequestCancellation(_Items, frozen=True, kw_only=True, tag="request-cancellation"):
    """Ask whoever has the units to let them go (CANCEL-2…4, SELLER-2); where nobody need be asked, cancel."""

    roles = ("buyer",)
    reason: Code | None = None
    accept_cascade: bool = False


class AnswerCancellation(Command, frozen=True, kw_only=True, tag="answer-cancellation"):
    """The party asked says yes or no to an open request (ORDER-5); ``scope`` is COMBINED-1's."""

    roles = ("seller", "warehouse", "carrier", "marketplace")
    request_id: GivenId
    approve: bool
    scope: Scope = "parcel"
    reason: Code | None = None


class Content(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What a parcel is to hold of one order."""

    order_id: Id
    items: Wanted

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("items is empty")


class PackShipment(Command, frozen=True, kw_only=True, tag="pack-shipment"):
    """Units of one or several orders of a buyer go into one parcel (PACK-1, COMBINED-2)."""

    roles = ("warehouse", "seller", "marketplace")
    is_report = True
    shipment_id: Id
    contents: Annotated[list[Content], Meta(min_length=1)]
    carrier: Carrier
    tracking_number: Text | None = None
    mail_class: Text | None = None


class UnpackShipment(Command, frozen=True, kw_only=True, tag="unpack-shipment"):
    """A parcel that has not left is taken apart again (PACK-2)."""

    roles = ("warehouse", "seller", "marketplace")
    is_report = True
    shipment_id: Id


class CarrierReport(Command, frozen=True, kw_only=True):
    """What a carrier says of a parcel (RULEBOOK section 5); ``trigger`` is the move that it reports."""

    trigger: ClassVar[str]
    roles: ClassVar[tuple[Role, ...]] = ("carrier", "marketplace")
    is_report = True
    shipment_id: Id


class DispatchShipment(CarrierReport, frozen=True, kw_only=True, tag="dispatch-shipment"):
    """Alone, the carrier's report; with the packing fields, packing and dispatch in one step."""

    trigger = "dispatch"
    roles = ("carrier", "warehouse", "seller", "marketplace")
    contents: Annotated[list[Content], Meta(min_length=1)] | None = None
    carrier: Carrier | None = None
    tracking_number: Text | None = None
    mail_class: Text | None = None

    def check(self) -> None:
        packing = (self.contents, self.carrier)
        extras = (self.tracking_number, self.mail_class)
        if None in packing and (packing != (None, None) or extras != (None, None)):
            missing = "contents" if self.contents is None else "carrier"
            raise ValueError(f"{missing} is missing: packing needs both contents and carrier")


class _Scan(CarrierReport, frozen=True, kw_only=True):
    """A carrier's report that may carry a code for why."""

    reason: Code | None = None


class StartDelivery(_Scan, frozen=True, kw_only=True, tag="start-delivery"):
    """The parcel is on the van; one dated before its last move is noted (SCAN-1)."""

    trigger = "start-delivery"


class FailAttempt(_Scan, frozen=True, kw_only=True, tag="fail-attempt"):
    """Nobody took the parcel, and the carrier keeps it; one dated before its last move is noted (SCAN-1)."""

    trigger = "fail-attempt"


class Deliver(_Scan, frozen=True, kw_only=True, tag="deliver"):
    """The buyer has the parcel, and each unit's return window opens (RETURN-1)."""

    trigger = "deliver"


class RefuseDelivery(_Scan, frozen=True, kw_only=True, tag="refuse-delivery"):
    """The buyer did not accept the parcel at the door: all of it comes back (REFUSE-1)."""

    trigger = "refuse"


class TurnBack(_Scan, frozen=True, kw_only=True, tag="turn-back"):
    """The carrier could not deliver the parcel: all of it comes back, and no fee is kept (RULEBOOK section 6)."""

    trigger = "turn-back"


class LoseShipment(_Scan, frozen=True, kw_only=True, tag="lose-shipment"):
    """The carrier lost the parcel: its units' refunds are due at once, in full (RULEBOOK section 6)."""

    trigger = "lose"


class StartReturn(_Items, frozen=True, kw_only=True, tag="start-return"):
    """Delivered units are to go back, to the payments or to store credit (RETURN-1, RETURN-3)."""

    roles = ("buyer",)
    reason: ReturnReason
    refund_to: RefundTarget = "original"


class WithdrawReturn(Command, frozen=True, kw_only=True, tag="withdraw-return"):
    """The buyer keeps the goods after all: only before they are handed over or received in part (RETURN-4)."""

    roles = ("buyer",)
    return_id: GivenId


class HandOverReturn(Command, frozen=True, kw_only=True, tag="hand-over-return"):
    """The return's goods are with a carrier, so it cannot lapse any more (RETURN-4; ORDER-5 if closed)."""

    roles = ("carrier", "buyer", "marketplace")
    is_report = True
    return_id: GivenId
    tracking_number: Text | None = None


class Received(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Units that arrived at the return centre, in one condition."""

    item_id: Id
    quantity: Quantity
    condition: Condition


class ReceiveReturn(Command, frozen=True, kw_only=True, tag="receive-return"):
    """Either a return's goods, unit by unit, or a parcel that came back as it was sent."""

    roles = ("warehouse", "seller", "marketplace")
    is_report = True
    return_id: GivenId | None = None
    received: Annotated[list[Received], Meta(min_length=1)] | None = None
    shipment_id: Id | None = None

    def check(self) -> None:
        if (self.return_id is None) == (self.shipment_id is None):
            raise ValueError("return_id or shipment_id: exactly one of them is needed")
        if (self.return_id is None) != (self.received is None):
            raise ValueError("received goes with return_id, and only with it")


class LoseReturn(Command, frozen=True, kw_only=True, tag="lose-return"):
    """The carrier lost a return that was handed over: refunded in full (RETURN-6; ORDER-5 if closed)."""

    roles = ("carrier", "marketplace")
    is_report = True
    return_id: GivenId


class SubmitPayout(Command, frozen=True, kw_only=True, tag="submit-payout"):
    """Before the gateway is called: keep that intention, and get its idempotency key (REFUND-4, REFUND-5)."""

    roles = ("marketplace", "seller")
    refund_id: GivenId
    payment_id: Id


class ReportPayout(Command, frozen=True, kw_only=True, tag="report-payout"):
    """What the gateway said (REFUND-4, REFUND-5); ``amount`` in minor units, where absent the payout's."""

    roles = ("marketplace", "seller")
    is_report = True
    refund_id: GivenId
    payment_id: Id
    outcome: Literal["paid", "failed"]
    reference: Id
    amount: Positive | None = None
    reason: Code | None = None


class FileClaim(_Items, frozen=True, kw_only=True, tag="file-claim"):
    """The buyer calls on the guarantee for units that the seller left unresolved (CLAIM-1, CLAIM-3)."""

    roles = ("buyer",)
    reason: Code | None = None


class DecideClaim(Command, frozen=True, kw_only=True, tag="decide-claim"):
    """The marketplace grants (CLAIM-2) or denies (CLAIM-3) an open claim (ORDER-5 if closed)."""

    roles = ("marketplace",)
    claim_id: GivenId
    approve: bool
    reason: Code | None = None


class WithdrawClaim(Command, frozen=True, kw_only=True, tag="withdraw-claim"):
    """The buyer drops an open claim; its grounds are used up (CLAIM-3; ORDER-5 if closed)."""

    roles = ("buyer",)
    claim_id: GivenId


class PassTime(Command, frozen=True, kw_only=True, tag="pass-time"):
    """Record the deadlines that have passed by ``at``, of every order that has one (TIME-1)."""

    roles = ("system",)


def _concrete(base: type[Command]) -> list[type[Command]]:
    leaves = [leaf for sub in base.__subclasses__() for leaf in _concrete(sub)]
    return leaves or [base]


COMMANDS: dict[str, type[Command]] = {str(kind.__struct_config__.tag): kind for kind in _concrete(Command)}
"""Every command by its name."""
for _name, _kind in COMMANDS.items():
    _kind.name = _name
    # msgspec learns a struct's fields at its first use; two threads that are the first at once crash the process.
    msgspec.json.Decoder(_kind)


def parse(raw: object) -> Command:
    """The command in a JSON object's dict; raises ``Malformed``, naming the field.

    ``null`` for an optional field is as if it were absent; times are brought to UTC.
    """
    if not isinstance(raw, dict):
        raise Malformed("", "a command is a JSON object")
    name = raw.get("command")
    kind = COMMANDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Malformed("command", "is missing" if name is None else f"there is no command {_shown(name)}")
    try:
        command = msgspec.convert(_without_nulls(raw, kind), kind)
    except msgspec.ValidationError as error:
        raise _malformed(str(error)) from None
    except OverflowError:
        raise Malformed("at", "is outside the years 1900 to 8999") from None
    if command.at is not None and command.at.tzinfo is not UTC:
        return msgspec.structs.replace(command, at=command.at.astimezone(UTC))
    return command


def is_report(name: object) -> bool:
    """Whether commands of this name say what happened outside, and may come late (TIME-3)."""
    kind = COMMANDS.get(name) if isinstance(name, str) else None
    return kind is not None and kind.is_report


def canonical(command: Command, **changes: Any) -> bytes:
    """The command as JSON with its defaults filled in: what the journal keeps, and what repeats are compared by."""
    return msgspec.json.encode(msgspec.structs.replace(command, **changes) if changes else command)


@cache
def _optional(kind: type[Struct]) -> frozenset[str]:
    return frozenset(f.encode_name for f in msgspec.structs.fields(kind) if not f.required)


def _without_nulls(raw: dict[str, Any], kind: type[Command]) -> dict[str, Any]:
    optional = _optional(kind)
    if None in raw.values():
        raw = {key: value for key, value in raw.items() if value is not None or key not in optional}
    lines = raw.get("items")
    if isinstance(lines, list) and any(isinstance(line, dict) and None in line.values() for line in lines):
        cut = [
            {k: v for k, v in line.items() if v is not None or k not in _optional(Line)}
            if isinstance(line, dict)
            else line
            for line in lines
        ]
        raw = {**raw, "items": cut}
    return raw


def _check_printable(command: Command) -> None:
    """Ids and texts hold printable characters only; raises ``ValueError`` naming the field."""
    try:
        encoded = msgspec.json.encode(command).decode()
        if encoded.isprintable() and "\\" not in encoded:
            return
    except UnicodeEncodeError:
        pass
    for field, text in _texts(command):
        if not text.isprintable():
            raise ValueError(f"{field} has a character that cannot be printed")


def _texts(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a command with the field that holds it (keys of mappings included)."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            inner = getattr(value, name)
            if inner is not None and not isinstance(inner, (bool, int, datetime)):
                yield from _texts(inner, f"{field}.{name}" if field else name)
    elif isinstance(value, dict):
        for key in value:
            yield field, key
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{field}[{index}]")


def _malformed(message: str) -> Malformed:
    """msgspec says where as ``- at `$.items[0].quantity``` or names the field in back-quotes: bring that to front."""
    reason, _, where = message.partition(" - at ")
    path = where.strip("`").removeprefix("key` in `").removeprefix("$").removeprefix(".")
    if not path and reason.startswith("Object "):
        what, _, field = reason.rstrip("`").partition(" field `")
        return Malformed(field, "is missing" if "missing" in what else "is not a field of this command")
    if reason.startswith("Object "):
        what, _, field = reason.rstrip("`").partition(" field `")
        return Malformed(f"{path}.{field}", "is missing" if "missing" in what else "is not a field here")
    if not path:
        field, _, rest = reason.partition(" ")
        return Malformed(field.rstrip(":"), rest)
    return Malformed(path, reason[:1].lower() + reason[1:])


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, str) else type(value).__name__
    return repr(text[:40]).encode("ascii", "backslashreplace").decode()
