"""Delivered goods that come back, and parcels that come back unaccepted (RULEBOOK section 6)."""

from datetime import timedelta

from . import events as e
from .admission import admit, known_order, known_return, known_shipment, moment, still_open
from .carriage import raise_exception
from .case import Case
from .commands import HandOverReturn, LoseReturn, ReceiveReturn, StartReturn, WithdrawReturn
from .errors import Rejection
from .lifecycle import COMING_BACK
from .order import Order, Return
from .packing import keeper, shipment_keeper
from .rules import Verdict, allowed, refused, rule
from .selection import check_known, choose
from .shipment import Shipment
from .units import Unit, numbers
from .vocabulary import Cause


def start_return(case: Case, command: StartReturn) -> None:
    """Announce units that the buyer sends back."""
    order = known_order(case, command.order_id)
    check_known(order, command.items)
    admit(case, command, [order])
    units = [c.unit for c in choose(order, command.items, lambda unit: may_return(case, order, unit))]
    case.check(units, "start-return")
    windows = [w for unit in units if (w := may_return(case, order, unit).until) is not None]
    case.record(
        order,
        e.ReturnStarted,
        "RETURN-1",
        return_id=f"{order.order_id}:return:{len(order.returns) + 1}",
        units=numbers(units),
        reason=command.reason,
        refund_to=command.refund_to,
        lapses_at=max(windows) + timedelta(days=order.rules.returns.lapse_days),
    )


@rule(
    "RETURN-1",
    "A",
    "A delivered unit may be returned if the return is started at most 30 days after its delivery, to the same "
    "instant; fewer days for the categories that the policy lists.",
)
def may_return(case: Case, order: Order, unit: Unit) -> Verdict:
    what = f"unit {unit.number} of item {unit.item_id}"
    if unit.state != "delivered" or unit.delivered_at is None:
        return refused("RETURN-1", f"{what} is {unit.state}, not delivered")
    if case.at < unit.delivered_at:
        return refused("RETURN-1", f"{what} was delivered only at {moment(unit.delivered_at)}")
    closes_at = unit.delivered_at + order.rules.return_window(order.items[unit.item_id].line.category)
    if case.at > closes_at:
        return refused("RETURN-1", f"the return window of {what} closed at {moment(closes_at)}")
    return allowed("RETURN-1", until=closes_at)


@rule(
    "RETURN-4",
    "E",
    "A started return that has neither been handed over nor received 15 days after the last of its units' windows "
    "closed lapses, and its units are delivered again. The buyer may withdraw it before it is handed over.",
)
def may_withdraw(a_return: Return) -> Verdict:
    if a_return.handed_over_at is not None:
        return refused("RETURN-4", f"return {a_return.return_id} has been handed over to a carrier", advice="wait")
    if a_return.received:
        return refused("RETURN-4", f"return {a_return.return_id} has been received in part", advice="wait")
    return allowed("RETURN-4", until=a_return.lapses_at)


def withdraw_return(case: Case, command: WithdrawReturn) -> None:
    """The buyer keeps the goods after all."""
    order, a_return = known_return(case, command.return_id)
    admit(case, command, [order])
    still_open("return", a_return.return_id, order.return_status(a_return), open_statuses=("open", "handed-over"))
    verdict = may_withdraw(a_return)
    if not verdict.allowed:
        raise verdict.rejection()
    drop(case, order, a_return, e.ReturnWithdrawn)


def drop(case: Case, order: Order, a_return: Return, kind: type[e.ReturnWithdrawn | e.ReturnLapsed]) -> None:
    """What is outstanding of a return is the buyer's again."""
    units = order.outstanding(a_return)
    case.check(units, "drop-return")
    case.record(order, kind, "RETURN-4", return_id=a_return.return_id, units=numbers(units))


def hand_over_return(case: Case, command: HandOverReturn) -> None:
    """A carrier has the goods: the return can no longer be withdrawn, nor lapse."""
    order, a_return = known_return(case, command.return_id)
    admit(case, command, [order])
    still_open("return", a_return.return_id, order.return_status(a_return))
    case.record(
        order,
        e.ReturnHandedOver,
        "RETURN-4",
        return_id=a_return.return_id,
        tracking_number=command.tracking_number,
    )


@rule(
    "RETURN-6",
    "E",
    "A handed-over return that its carrier reports lost: its units are lost and refunded in full, at once.",
)
def lose_return(case: Case, command: LoseReturn) -> None:
    order, a_return = known_return(case, command.return_id)
    admit(case, command, [order])
    status = order.return_status(a_return)
    still_open("return", a_return.return_id, status, open_statuses=("open", "handed-over"))
    if status == "open":
        raise Rejection("RETURN-6", f"return {a_return.return_id} has not been handed over to a carrier")
    write_off(case, order, a_return, "RETURN-6")


def write_off(case: Case, order: Order, a_return: Return, rule_id: str) -> None:
    """What is outstanding of a return is lost, and owed in full."""
    units = order.outstanding(a_return)
    case.check(units, "lose")
    case.record(order, e.ReturnLost, rule_id, return_id=a_return.return_id, units=numbers(units))
    case.owe(order, units, "lost", rule_id)


def receive_return(case: Case, command: ReceiveReturn) -> None:
    """The return centre has goods in its hands: a return's, or a whole parcel's."""
    if command.shipment_id is not None:
        _receive_parcel(case, command, command.shipment_id)
    else:
        _receive_goods(case, command, command.return_id or "")


@rule(
    "RETURN-5",
    "E",
    "What is received is what is refunded: the receipt names units and their condition, and may be partial. Goods that "
    "arrive after their return lapsed are still received, and refunded under the same return.",
)
def _receive_goods(case: Case, command: ReceiveReturn, return_id: str) -> None:
    order, a_return = known_return(case, return_id)
    wanted: dict[str, int] = {}
    for line in command.received or ():
        wanted[line.item_id] = wanted.get(line.item_id, 0) + line.quantity
    check_known(order, wanted)
    admit(case, command, [order], natural=keeper(order))
    came, opened = _named_units(order, a_return, command)
    if a_return.closed == "lost":
        case.noted = True
        if new := [unit for unit in came if unit.index not in a_return.turned_up]:
            raise_exception(case, order, new, "turned-up", return_id=return_id)
        return
    case.check(came, "receive")
    case.record(order, e.ReturnReceived, "RETURN-5", return_id=return_id, units=numbers(came), opened=numbers(opened))
    debt = case.owe(order, came, "returned", "RETURN-2")
    debt.return_id, debt.opened = return_id, opened


def _named_units(order: Order, a_return: Return, command: ReceiveReturn) -> tuple[list[Unit], list[Unit]]:
    """The units that a receipt names, lowest-numbered outstanding first, and those of them that were opened."""
    if a_return.closed == "lost":
        waiting = sorted(order.pick(a_return.lost), key=lambda unit: unit.index in a_return.turned_up)
    else:
        status = order.return_status(a_return)
        if status in ("received", "withdrawn"):
            raise Rejection("RETURN-5", f"return {a_return.return_id} is already {status}")
        waiting = order.outstanding(a_return)
    came: list[Unit] = []
    opened: list[Unit] = []
    for line in command.received or ():
        of_item = [unit for unit in waiting if unit.item_id == line.item_id]
        if len(of_item) < line.quantity:
            raise Rejection(
                "RETURN-5",
                f"return {a_return.return_id} waits for {len(of_item)} of item {line.item_id}, not {line.quantity}",
            )
        taken = of_item[: line.quantity]
        waiting = [unit for unit in waiting if unit not in taken]
        came += taken
        if line.condition == "opened":
            opened += taken
    return came, opened


def _receive_parcel(case: Case, command: ReceiveReturn, shipment_id: str) -> None:
    shipment = known_shipment(case, shipment_id)
    admit(case, command, case.packed_orders(shipment), natural=shipment_keeper(shipment))
    riders = case.riders(shipment)
    if shipment.state not in COMING_BACK and shipment.state != "lost":
        raise Rejection("RETURN-5", f"shipment {shipment_id} is {shipment.state}, not coming back")
    if shipment.state == "lost" or not riders:
        _note_receipt(case, command, shipment)
        return
    causes = [(order, units, _why_it_came_back(units[0])) for order, units in riders]
    case.record_parcel(shipment, e.ShipmentReturned, "RETURN-5", report=command.name)
    for order, units, (cause, rule_id) in causes:
        case.move(order, units, e.ItemsReturned, "RETURN-5", shipment_id=shipment_id)
        case.owe(order, units, cause, rule_id).shipment_id = shipment_id


def _note_receipt(case: Case, command: ReceiveReturn, shipment: Shipment) -> None:
    """Nobody waits for it: all was settled by claims, or the parcel was lost and turned up."""
    case.noted = True
    if shipment.has_report(command.name, case.at):
        return
    turned_up_before = any(report.report == command.name for report in shipment.history)
    case.record_parcel(shipment, e.ReportNoted, "SCAN-1", report=command.name)
    if shipment.state != "lost" or turned_up_before:
        return
    for order, units in case.contents(shipment):
        lost = [u for u in units if u.shipment_id == shipment.shipment_id and u.state in ("lost", "refunded")]
        if lost:
            raise_exception(case, order, lost, "turned-up", shipment_id=shipment.shipment_id)


def _why_it_came_back(unit: Unit) -> tuple[Cause, str]:
    if unit.state == "refused":
        return "refused", "REFUSE-1"
    return ("cancelled", "CANCEL-4") if unit.turned_by_request else ("undeliverable", "SCAN-1")
