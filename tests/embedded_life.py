"""Orders that were handled by an embedded engine, with a clock of its own: for tests of what was recorded so."""

from datetime import timedelta

from ordertrail.application import Orders
from shop import BUYER, CARRIER, SELLER, SYSTEM, WAREHOUSE, Clock, cancelling, give, packing, placing, scan


def lived(url: str) -> None:
    """Embedded, with a clock: late reports, one from the future, a return, deadlines; ten orders."""
    clock = Clock()
    with Orders.open(url, clock=clock) as orders:
        for number in range(10):
            order_id, parcel = f"O{number}", f"S{number}"
            give(orders, placing(order_id, seller="M1" if number % 2 else None))
            clock.now += timedelta(minutes=10)
            give(orders, cancelling(f"a{number}", order_id, {"A": 1}), BUYER)
            clock.now += timedelta(minutes=40)
            orders.handle(cancelling(f"b{number}", order_id, {"A": 1}), by=BUYER)
            give(orders, packing(f"p{number}", parcel, order_id), SELLER if number % 2 else WAREHOUSE)
            clock.now += timedelta(days=1)
            late, ahead = (clock.now + timedelta(hours=hours) for hours in (-5, 1))
            orders.handle(scan("deliver", f"x{number}", ahead.isoformat(), parcel), by=CARRIER)
            give(orders, scan("deliver", f"d{number}", late.isoformat(), parcel), CARRIER)
            orders.handle(
                scan("start-delivery", f"n{number}", (late - timedelta(hours=1)).isoformat(), parcel), by=CARRIER
            )
            back = {"command": "start-return", "order_id": order_id, "items": "all", "reason": "changed-mind"}
            give(orders, back | {"command_id": f"r{number}"}, BUYER)
            orders.handle(back | {"command_id": f"r{number}", "reason": "late"}, by=BUYER)
            received = [{"item_id": "B", "quantity": 1, "condition": "opened"}]
            give(
                orders,
                {
                    "command": "receive-return",
                    "command_id": f"g{number}",
                    "return_id": f"{order_id}:return:1",
                    "received": received,
                },
            )
            clock.now += timedelta(days=40)
            orders.handle({"command": "pass-time", "command_id": f"t{number}"}, by=SYSTEM)
