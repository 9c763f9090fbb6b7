"""What carriers report: late, twice and in the wrong order (RULEBOOK section 5), and refusals at the door."""

from . import events as e
from .admission import admit, known_shipment
from .case import Case
from .commands import CarrierReport, DispatchShipment
from .lifecycle import destination
from .order import Order
from .packing import pack_shipment
from .rules import rule
from .shipment import Shipment
from .units import Unit, numbers

_PARCEL_EVENT: dict[str, type[e.ShipmentMoved]] = {
    "dispatch": e.ShipmentDispatched,
    "start-delivery": e.ShipmentOutForDelivery,
    "fail-attempt": e.ShipmentAttempted,
    "deliver": e.ShipmentDelivered,
    "refuse": e.ShipmentRefused,
    "turn-back": e.ShipmentTurnedBack,
    "lose": e.ShipmentLost,
}
_ITEMS_EVENT: dict[str, type[e.ItemsMoved]] = {
    "dispatch": e.ItemsDispatched,
    "start-delivery": e.DeliveryStarted,
    "fail-attempt": e.AttemptFailed,
    "deliver": e.ItemsDelivered,
    "refuse": e.ItemsRefused,
    "turn-back": e.ItemsTurnedBack,
    "lose": e.ItemsLost,
}
_REPORT_OF = {"dispatch": "dispatch-shipment", "start-delivery": "start-delivery"}
_RULE_OF = {"refuse": "REFUSE-1"}


def dispatch_shipment(case: Case, command: DispatchShipment) -> None:
    """The carrier took the parcel; with packing fields it is packed first."""
    if command.contents is None:
        report(case, command)
        return
    move_parcel(case, pack_shipment(case, command, natural="carrier"), "dispatch", command.name)


def report(case: Case, command: CarrierReport) -> None:
    """A carrier's report: it moves the parcel, or is noted."""
    shipment = known_shipment(case, command.shipment_id)
    admit(case, command, case.packed_orders(shipment))
    if shipment.has_report(command.name, case.at):
        case.noted = True
        return
    missing_steps = _proven_steps(shipment, command.trigger)
    if command.trigger == "deliver":
        at_risk = [
            (order, units) for order, all_units in case.contents(shipment) if (units := _settled(shipment, all_units))
        ]
    else:
        at_risk = []
    if _is_noted(case, shipment, command.trigger, missing_steps):
        case.noted = True
        case.record_parcel(shipment, e.ReportNoted, "SCAN-1", report=command.name)
    else:
        for step in missing_steps:
            move_parcel(case, shipment, step, _REPORT_OF[step], inferred=True)
        move_parcel(case, shipment, command.trigger, command.name)
    for order, units in at_risk:
        raise_exception(case, order, units, "delivered-after-refund", shipment_id=shipment.shipment_id)


@rule(
    "SCAN-2",
    "E",
    "A report proves the steps before it: a packed parcel that is reported on was dispatched, an attempt that failed "
    "was out for delivery. The missing steps are recorded, marked as inferred, at the report's time.",
)
def _proven_steps(shipment: Shipment, trigger: str) -> list[str]:
    steps = ["dispatch"] if shipment.state == "preparing" and trigger != "dispatch" else []
    if trigger == "fail-attempt" and shipment.state in ("preparing", "shipped"):
        steps.append("start-delivery")
    return steps


@rule(
    "SCAN-1",
    "E",
    "A report is noted (recorded once, changing no state) where the machine does not allow it from the parcel's state; "
    "where a start or failed attempt is earlier than the parcel's last move; where a delivery or refusal of a parcel "
    "already refused or turning back is earlier than that. The same report again records nothing.",
)
def _is_noted(case: Case, shipment: Shipment, trigger: str, missing_steps: list[str]) -> bool:
    state: str | None = shipment.state
    for step in (*missing_steps, trigger):
        state = destination(step, state) if state is not None else None
    if state is None:
        return True
    if trigger == "start-delivery" and shipment.was_inferred(trigger, case.at):
        return True
    if trigger in ("start-delivery", "fail-attempt"):
        return case.at < shipment.last_move_at
    if trigger in ("deliver", "refuse") and shipment.state in ("refused", "returning"):
        return case.at < shipment.last_move_at
    return False


@rule(
    "REFUSE-1", "HA", "A parcel can be refused at the door; all of it goes back, and is refunded when it is received."
)
def move_parcel(
    case: Case,
    shipment: Shipment,
    trigger: str,
    reported_as: str,
    *,
    inferred: bool = False,
    rule_id: str | None = None,
    requested: bool = False,
) -> None:
    """Move a parcel and the units that still share its fate; lost ones are owed at once."""
    riders = case.riders(shipment)
    cited = rule_id or ("SCAN-2" if inferred else _RULE_OF.get(trigger, "SCAN-1"))
    case.record_parcel(shipment, _PARCEL_EVENT[trigger], cited, report=reported_as, inferred=inferred)
    fields = {"requested": True} if requested else {}
    for order, units in riders:
        case.move(
            order, units, _ITEMS_EVENT[trigger], cited, shipment_id=shipment.shipment_id, inferred=inferred, **fields
        )
        if trigger == "lose":
            case.owe(order, units, "lost", cited)


@rule(
    "SCAN-3",
    "E",
    "What a noted report means in money is not lost: a delivery of units already cancelled, lost, refunded or under "
    "refund is listed as an exception, with the value at risk.",
)
def raise_exception(case: Case, order: Order, units: list[Unit], kind: e.ExceptionKind, **where: str) -> None:
    amount = sum(order.value(unit) for unit in units)
    case.record(order, e.ExceptionRaised, "SCAN-3", kind=kind, amount=amount, units=numbers(units), **where)


def _settled(shipment: Shipment, units: list[Unit]) -> list[Unit]:
    mine = [unit for unit in units if unit.shipment_id == shipment.shipment_id]
    return [u for u in mine if u.refund_id is not None or u.state in ("cancelled", "lost", "refunded")]
