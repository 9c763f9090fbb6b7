"""Writes the lives of several orders: commands that are mostly plausible, at times that mostly go forward."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import strategies as st

from book import DAY

INSTANT = timedelta(microseconds=1)
ORDERS = [f"O{number}" for number in range(1, 7)]
PARCELS = [f"S{number}" for number in range(1, 11)]
SCANS = ["start-delivery", "fail-attempt", "deliver", "refuse-delivery", "turn-back", "lose-shipment"]
REPORTS = {*SCANS, "pack-shipment", "unpack-shipment", "dispatch-shipment", "receive-return", "report-payout"}
REASONS = ["changed-mind", "changed-mind", "other", "damaged", "late"]
GAPS = [0, 0, 0, 1, 1, 20, 20, 60, 60, 60 * 5, 60 * 5, 60 * 24, 60 * 24, 60 * 50, 60 * 24 * 8, 60 * 24 * 32]
"""Minutes between commands."""


def often(*values):
    """Mostly the first value."""
    return st.sampled_from([values[0]] * 4 + list(values[1:]))


def stamp(at):
    return at.isoformat().replace("+00:00", "Z")


class Author:
    """Writes commands for a world as it stands; ``draw`` is Hypothesis's."""

    def __init__(self, book):
        self.book = book
        self.now = DAY + timedelta(hours=10)
        self.written = 0

    def command(self, draw):
        """The next command, as it stands in a log."""
        plot = draw(st.sampled_from(self.plots()))
        name, fields = getattr(self, plot)(draw)
        self.written += 1
        # A report may come late; a person's command is late only where clocks differ.
        late = draw(st.sampled_from([False] * (4 if name in REPORTS else 15) + [True]))
        at = self.earlier(draw) if late else self.later(draw)
        return {"command": name, "command_id": f"c-{self.written}", "at": stamp(at), **fields}

    # --- when ---

    def later(self, draw):
        """Now and then exactly at, or just after, something's deadline; else some minutes or weeks on."""
        deadlines = self.deadlines()
        if deadlines and draw(st.sampled_from([False] * 6 + [True])):
            self.now = draw(st.sampled_from(deadlines)) + draw(st.sampled_from([timedelta(0), INSTANT]))
        else:
            self.now += timedelta(minutes=draw(st.sampled_from(GAPS)))
        return self.now

    def earlier(self, draw):
        return self.now - timedelta(minutes=draw(st.sampled_from([1, 60, 60 * 24, 60 * 24 * 5])))

    def deadlines(self):
        """Moments at which something ends, from now on, the soonest six."""
        moments = set(self.book.due.values())
        for order in self.orders():
            moments |= {order.placed_at + span for span in (timedelta(minutes=30), timedelta(30), timedelta(90))}
            moments |= {unit.delivered_at + timedelta(30) for unit in order.units if unit.delivered_at}
            moments |= {each.handed_over_at + timedelta(15) for each in order.returns.values() if each.handed_over_at}
            moments |= {p.promised_by for refund in order.refunds.values() for p in refund.payouts.values()} - {None}
        return sorted(moment for moment in moments if moment >= self.now)[:6]

    # --- what there is ---

    def orders(self):
        return [self.book.order(order_id) for order_id in ORDERS if self.book.stored.get(f"order:{order_id}")]

    def parcels(self):
        return [self.book.parcel(each) for each in PARCELS if self.book.stored.get(f"shipment:{each}")]

    def things(self, kind, wanted):
        """Ids of requests, returns or claims: the wanted ones several times, so that they come often."""
        found = []
        for order in self.orders():
            for its_id, thing in getattr(order, kind).items():
                found += [its_id] * (9 if wanted(order, thing) else 1)
        return found

    def plots(self):
        """What could plausibly happen next; the likelier, the more often listed."""
        orders, parcels = self.orders(), self.parcels()
        if not orders:
            return ["place"]
        states = {unit.state for order in orders for unit in order.units}
        window = {u.delivered_at + timedelta(30) >= self.now for o in orders for u in o.units if u.state == "delivered"}
        waiting = {each.status for order in orders for each in order.requests.values()}
        returns = {order.return_status(each) for order in orders for each in order.returns.values()}
        refunds = {each.status for order in orders for each in order.refunds.values()}
        claims = {each.status for order in orders for each in order.claims.values()}
        sellers = [order for order in orders if order.by_seller]
        overdue = any(order.placed_at + timedelta(30) < self.now for order in sellers)
        weights = {
            "place": 4 if len(orders) < 3 else 1,
            "cancel": 2 if states & set(PACKED_NEXT) else 1,
            "ask": 4 if states & set(ASKABLE) else 1,
            "answer": 7 if "open" in waiting else bool(waiting),
            "pack": 7 if states & set(PACKED_NEXT) else 1,
            "unpack": 1 if parcels else 0,
            "scan": 9 if states & set(GOING) else bool(parcels),
            "receive_parcel": 4 if states & {"refused", "returning"} else bool(parcels),
            "start_return": 6 if True in window else bool(parcels),
            "hand_over": 3 if "open" in returns else bool(returns),
            "receive_goods": 4 if returns & {"open", "handed-over", "lapsed"} else bool(returns),
            "withdraw_return": bool(returns),
            "lose_return": bool(returns),
            "submit": 2 if "due" in refunds else bool(refunds),
            "pay": 4 if "due" in refunds else bool(refunds),
            "claim": 3 if overdue else bool(sellers),
            "decide": 3 if "open" in claims else bool(claims),
            "withdraw_claim": bool(claims),
            "pass_time": 1,
        }
        return [plot for plot, weight in weights.items() for _ in range(weight)]

    # --- placing and packing ---

    def place(self, draw):
        free = [each for each in ORDERS if not self.book.stored.get(f"order:{each}")]
        lines = [self.line(draw, item_id) for item_id in draw(st.sampled_from(["AB", "A", "ABC"]))]
        total = sum(x["unit_price"] * x["quantity"] + x["tax"] + x["shipping"] - x["discount"] for x in lines)
        seller_id, fulfilled_by = draw(
            often((None, "marketplace"), ("M1", "seller"), ("M1", "seller"), ("M2", "seller"), ("M1", "marketplace"))
        )
        return "place-order", {
            "order_id": draw(st.sampled_from((free or ORDERS)[:1] * 9 + ORDERS[:1])),
            "buyer_id": draw(often("B1", "B2")),
            "fulfilled_by": fulfilled_by,
            "currency": draw(often("USD", "EUR", "JPY")),
            "items": lines,
            "payments": self.payments(draw, total),
        } | ({"seller_id": seller_id} if seller_id else {})

    def line(self, draw, item_id):
        price, quantity = draw(st.sampled_from([333, 2000, 999, 1, 0])), draw(st.sampled_from([2, 1, 3]))
        line = {
            "item_id": item_id,
            "sku": f"sku-{item_id}",
            "quantity": quantity,
            "unit_price": price,
            "tax": draw(st.sampled_from([100, 0, 1, 7])),
            "shipping": draw(st.sampled_from([50, 0, 1])),
            "discount": draw(st.sampled_from([0, min(1, price), price * quantity])),
        }
        if draw(st.sampled_from([True, False, False, False])):
            line |= {"tax": 0, "shipping": 0, "discount": price * quantity}  # free of charge
        return line | ({"category": "electronics"} if draw(st.booleans()) else {})

    def payments(self, draw, total):
        cuts = sorted({draw(st.sampled_from([0, total // 3, 1])), draw(st.sampled_from([0, total // 2])), 0, total})
        amounts = [high - low for low, high in pairwise(cuts) if 0 <= low < high <= total]
        methods = ["gift-card", "credit-card", "store-credit", "bank-transfer"]
        return [
            {"payment_id": f"P{number}", "method": draw(st.sampled_from(methods)), "amount": amount}
            for number, amount in enumerate(amounts, 1)
        ]

    def pack(self, draw):
        orders = [order for order in self.orders() for _ in range(9 if order.state in PACKED_NEXT else 1)]
        first = draw(st.sampled_from(orders))
        mates = [o for o in orders if (o.buyer_id, o.fulfilled_by) == (first.buyer_id, first.fulfilled_by)]
        mates = [
            o for o in mates if o.currency == first.currency and (not o.by_seller or o.seller_id == first.seller_id)
        ]
        others = draw(st.lists(st.sampled_from(mates if draw(often(True, True, False)) else orders), max_size=2))
        free = [each for each in PARCELS if not self.book.stored.get(f"shipment:{each}")]
        named = {order.order_id: order for order in [first, *others]}.values()
        fields = {
            "shipment_id": draw(st.sampled_from((free or PARCELS)[:1] * 9 + PARCELS[:1])),
            "contents": [{"order_id": order.order_id, "items": self.items(draw, order)} for order in named],
            "carrier": draw(st.sampled_from([{"name": "Vans", "kind": "own"}, {"name": "Post", "kind": "partner"}])),
        }
        mail_class = draw(st.sampled_from([None, "first-class", "parcel"]))
        return draw(often("pack-shipment", "dispatch-shipment")), fields | (
            {"mail_class": mail_class} if mail_class else {}
        )

    def unpack(self, draw):
        return "unpack-shipment", {"shipment_id": self.parcel(draw, {"preparing"})}

    def parcel(self, draw, wanted):
        return draw(
            st.sampled_from([p.shipment_id for p in self.parcels() for _ in range(9 if p.state in wanted else 1)])
        )

    def items(self, draw, order):
        """``"all"``, or some quantities."""
        if draw(st.booleans()):
            return "all"
        chosen = draw(st.lists(st.sampled_from(list(order.items)), min_size=1, max_size=2, unique=True))
        return {i: draw(st.sampled_from(list(range(1, order.items[i].line.quantity + 1)))) for i in chosen}

    # --- cancelling ---

    def of_order(self, draw, wanted=()):
        orders = [o for o in self.orders() for _ in range(9 if {u.state for u in o.units} & set(wanted) else 1)]
        order = draw(st.sampled_from(orders))
        return {"order_id": order.order_id, "items": self.items(draw, order)}

    def cancel(self, draw):
        actor = draw(often({}, {"actor": "marketplace"}, {"actor": "seller", "actor_id": "M1"}))
        return "cancel-items", self.of_order(draw) | actor | {"accept_cascade": draw(often(True, False))}

    def ask(self, draw):
        return "request-cancellation", self.of_order(draw, ASKABLE) | {"accept_cascade": draw(often(True, False))}

    def answer(self, draw):
        its_id = draw(st.sampled_from(self.things("requests", lambda _, request: request.status == "open")))
        answer = {"approve": draw(often(True, False)), "scope": draw(often("parcel", "units"))}
        return "answer-cancellation", {"request_id": its_id} | answer

    # --- reports and returns ---

    def scan(self, draw):
        report = draw(
            st.sampled_from(["dispatch-shipment", "deliver", "deliver", "deliver", "refuse-delivery", *SCANS])
        )
        return report, {"shipment_id": self.parcel(draw, GOING)}

    def receive_parcel(self, draw):
        return "receive-return", {"shipment_id": self.parcel(draw, {"refused", "returning"})}

    def start_return(self, draw):
        how = {"reason": draw(st.sampled_from(REASONS)), "refund_to": draw(often("original", "store-credit"))}
        return "start-return", self.of_order(draw, {"delivered"}) | how

    def a_return(self, draw):
        return draw(st.sampled_from(self.things("returns", lambda order, each: order.outstanding(each))))

    def withdraw_return(self, draw):
        return "withdraw-return", {"return_id": self.a_return(draw)}

    def hand_over(self, draw):
        return "hand-over-return", {"return_id": self.a_return(draw)}

    def lose_return(self, draw):
        return "lose-return", {"return_id": self.a_return(draw)}

    def receive_goods(self, draw):
        return_id = self.a_return(draw)
        order = self.book.order(return_id.partition(":")[0])
        units = order.returns[return_id].units
        chosen = draw(st.lists(st.sampled_from(list(units)), min_size=1, max_size=2, unique=True))
        received = [
            {"item_id": i, "quantity": draw(st.sampled_from([len(units[i]), 1])), "condition": draw(CONDITIONS)}
            for i in chosen
        ]
        return "receive-return", {"return_id": return_id, "received": received}

    # --- money and the guarantee ---

    def payout(self, draw):
        refunds = self.things("refunds", lambda _, refund: refund.status == "due")
        refund_id = draw(st.sampled_from(refunds))
        refund = self.book.order(refund_id.partition(":")[0]).refunds[refund_id]
        payment_id = draw(st.sampled_from([*list(refund.payouts) * 5, "P1"]))
        return {"refund_id": draw(often(refund_id, refund_id, "O1:refund:77")), "payment_id": payment_id}

    def submit(self, draw):
        return "submit-payout", self.payout(draw)

    def pay(self, draw):
        said = {"outcome": draw(often("paid", "failed")), "reference": draw(st.sampled_from(["R1", "R2"]))}
        amount = draw(often(None, 5))
        return "report-payout", self.payout(draw) | said | ({"amount": amount} if amount else {})

    def claim(self, draw):
        sellers = [order for order in self.orders() if order.by_seller]
        order = draw(st.sampled_from(sellers))
        return "file-claim", {"order_id": order.order_id, "items": self.items(draw, order)}

    def a_claim(self, draw):
        return {"claim_id": draw(st.sampled_from(self.things("claims", lambda _, claim: claim.status == "open")))}

    def decide(self, draw):
        return "decide-claim", self.a_claim(draw) | {"approve": draw(often(True, False))}

    def withdraw_claim(self, draw):
        return "withdraw-claim", self.a_claim(draw)

    def pass_time(self, _draw):
        return "pass-time", {}


PACKED_NEXT = ("placed", "seller-window", "with-seller")
ASKABLE = ("with-seller", "preparing", "shipped", "out-for-delivery")
GOING = ("preparing", "shipped", "out-for-delivery", "refused", "returning")
CONDITIONS = st.sampled_from(["unopened", "opened"])
