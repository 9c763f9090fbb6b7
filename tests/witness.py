"""What must hold in any life, whatever the commands: a `Book` that is watched by a simple model of its own.

The model knows units, money and the lifecycle's table, and learns only from the stored events.
"""

from collections import Counter, defaultdict
from copy import copy
from datetime import datetime, timedelta

from book import Book, Streams
from offers import options_agree, the_guarantee_is_near
from ordertrail.domain import RULES, decode, encode
from ordertrail.domain import events as e
from ordertrail.domain.lifecycle import COMING_BACK, PACKABLE, STATES, UNDER_WAY, UNSHIPPED, destination

STATUSES = {"accepted", "noted", "rejected", "duplicate"}
BY_RETURN = {e.ReturnStarted: "start-return", e.ReturnReceived: "receive", e.ReturnLost: "lose"}
BY_RETURN |= {e.ReturnWithdrawn: "drop-return", e.ReturnLapsed: "drop-return"}
SETTLING = ("cancelled", "returned", "lost")


def shape(struct):
    """All that events tell of an aggregate, to be compared."""
    told = set(struct.__struct_fields__) - {"policy", "next_deadline"}
    return {name: getattr(struct, name) for name in told}


def shares(total, quantity):
    """Even shares of a line's total, the left-over cents to the lowest-numbered units."""
    return [total // quantity + (number < total % quantity) for number in range(quantity)]


class Ledger:
    """One order as its events tell it: units by (item, number), payments, refunds."""

    def __init__(self, placed):
        self.states, self.values, self.refund_of = {}, {}, {}
        start = "seller-window" if placed.fulfilled_by == "seller" else "placed"
        for line in placed.items:
            parts = [shares(amount, line.quantity) for amount in (line.discount, line.tax, line.shipping)]
            for number, (discount, tax, shipping) in enumerate(zip(*parts, strict=True), 1):
                self.states[line.item_id, number] = start
                self.values[line.item_id, number] = line.unit_price - discount + tax + shipping
        self.captured = {payment.payment_id: payment.amount for payment in placed.payments}
        assert sum(self.values.values()) == sum(self.captured.values()), "an order is fully paid"
        self.back = Counter()
        self.refunds, self.payouts, self.once_paid = {}, {}, set()

    def follow(self, event):
        """Learn an event; fails where it is not allowed."""
        if isinstance(event, e.ItemsMoved):
            self.move(event, event.trigger, getattr(event, "to", None))
        elif type(event) in BY_RETURN:
            self.move(event, BY_RETURN[type(event)])
        elif isinstance(event, e.ItemsRefunded):
            by_claim = self.refunds[event.refund_id].cause == "claim"
            assert all(payout["status"] == "paid" for payout in self.payouts[event.refund_id].values())
            for unit in units_of(event):
                trigger = "settle-claim" if by_claim and self.states[unit] not in SETTLING else "refund"
                self.go(unit, trigger, None)
        elif isinstance(event, e.RefundOwed):
            self.owe(event)
        elif isinstance(event, e.RefundReleased | e.RefundTakenOver):
            for payment_id, promised_by in event.promises.items():
                assert self.payouts[event.refund_id][payment_id]["status"] == "owed"
                assert promised_by >= event.due_at
        elif isinstance(event, e.PayoutSubmitted | e.PayoutPaid | e.PayoutFailed | e.PayoutBounced):
            self.pay(event)

    def move(self, event, trigger, to=None):
        assert event.units, event
        for unit in units_of(event):
            self.go(unit, trigger, to)

    def go(self, unit, trigger, to):
        goes_to = destination(trigger, self.states[unit], to)
        assert goes_to is not None, f"no {trigger} from {self.states[unit]}"
        self.states[unit] = goes_to

    def owe(self, refund):
        units = units_of(refund)
        assert units
        assert not self.refund_of.keys() & set(units), "no unit is refunded twice"
        self.refund_of |= dict.fromkeys(units, refund.refund_id)
        assert refund.value == sum(self.values[unit] for unit in units)
        assert refund.amount == refund.value - sum(d.amount for d in refund.deductions) >= 0
        assert refund.amount == sum(payout.amount for payout in refund.payouts)
        assert all(kept.amount > 0 for kept in refund.deductions)
        for payout in refund.payouts:
            assert payout.amount > 0
            assert (payout.promised_by is None) == (refund.due_at is None)
            self.back[payout.payment_id] += payout.amount
            if payout.payment_id != "store-credit":
                assert self.back[payout.payment_id] <= self.captured[payout.payment_id], "no more than was captured"
        assert (refund.rule == "PARTIAL-1") == (refund.due_at is None)
        self.refunds[refund.refund_id] = refund
        self.payouts[refund.refund_id] = {
            p.payment_id: {"status": "owed", "attempt": 0, "amount": p.amount} for p in refund.payouts
        }

    def pay(self, event):
        payout = self.payouts[event.refund_id][event.payment_id]
        before, after = {
            e.PayoutSubmitted: ("owed", "submitted"),
            e.PayoutPaid: ("submitted", "paid"),
            e.PayoutFailed: ("submitted", "owed"),
            e.PayoutBounced: ("paid", "owed"),
        }[type(event)]
        assert payout["status"] == before, event
        payout["status"] = after
        if isinstance(event, e.PayoutSubmitted):
            payout["attempt"] += 1
            assert event.idempotency_key == f"{event.refund_id}:{event.payment_id}:{payout['attempt']}"
        if isinstance(event, e.PayoutPaid | e.PayoutBounced):
            assert event.amount == payout["amount"]


def units_of(event):
    return [(item_id, number) for item_id, numbers in event.units.items() for number in numbers]


class Witnessed(Book):
    """A `Book` that checks itself after every command."""

    def __init__(self, policy=None):
        super().__init__(policy)
        self.ledgers, self.seen = {}, defaultdict(int)

    def fork(self):
        """A copy to try things on, which is watched no more."""
        other = copy(self)
        other.__class__ = Book
        other.stored = defaultdict(list, self.facts())
        other.due, other.journal = dict(self.due), dict(self.journal)
        return other

    def facts(self):
        """Every stored event, by stream."""
        return {name: list(states) for name, states in self.stored.items() if states}

    def parcel(self, shipment_id):
        return Streams(self).shipment(shipment_id)

    def watched(self, raw):
        """Run a command and check all that must hold."""
        result = self.run_raw(raw)
        assert result["status"] in STATUSES, result
        if result["status"] == "rejected":
            assert result["rule"] in RULES, result
            assert result["reason"], result
        if result["status"] != "duplicate":
            at = datetime.fromisoformat(raw["at"])
            for order_id in result["order_ids"]:
                assert order_id not in self.due or self.due[order_id] >= at, "passed deadlines are recorded first"
        self.look(result)
        return result

    def look(self, result):
        """Follow the events that are new, and check the orders that they changed."""
        for name, states in self.stored.items():
            fresh = [decode(state) for state in states[self.seen[name] :]]
            if not fresh:
                continue
            self.seen[name] = len(states)
            assert [encode(event) for event in fresh] == states[-len(fresh) :]
            for event in fresh:
                assert event.rule in RULES, event
                if result["status"] == "rejected":
                    assert event.actor == "system", "a rejection changes nothing but what time did"
            if name.startswith("order:"):
                order_id = name.removeprefix("order:")
                for event in fresh:
                    if isinstance(event, e.OrderPlaced):
                        self.ledgers[order_id] = Ledger(event)
                    self.ledgers[order_id].follow(event)
        for order_id in result["order_ids"]:
            self.consistent(order_id)

    def _keep(self, outcome, case):
        super()._keep(outcome, case)
        for order_id, order in case.orders.items():
            assert shape(self.order(order_id)) == shape(order), "replay equals live"
        for shipment_id, shipment in case.shipments.items():
            assert shape(self.parcel(shipment_id)) == shape(shipment), "replay equals live"

    def consistent(self, order_id):
        """The order's parts agree with one another, and each unit that is not at its end has a next step."""
        order, ledger = self.order(order_id), self.ledgers[order_id]
        assert {(u.item_id, u.number): u.state for u in order.units} == ledger.states
        assert order.state == next(state for state in STATES if state in ledger.states.values())
        parcels = {u.shipment_id: self.parcel(u.shipment_id) for u in order.units if u.shipment_id}
        for unit in order.units:
            self.next_step(order, unit, parcels)
        for refund in order.refunds.values():
            assert refund.status != "deferred" or order.has_unshipped(), "nothing unshipped: all is released"
            deferred = refund.status == "deferred"
            assert all((p.promised_by is None) == deferred for p in refund.payouts.values())
            assert not deferred or all(p.status == "owed" for p in refund.payouts.values())
            if refund.status == "paid":
                assert all(unit.state == "refunded" for unit in order.pick(refund.units)), refund
        for request in order.requests.values():
            asked = order.pick(request.units)
            mine = [unit for unit in asked if unit.request_id == request.request_id]
            assert mine == (asked if request.status == "open" else [])
            expected = UNDER_WAY if request.to == "carrier" else UNSHIPPED
            assert all(unit.state in expected for unit in mine), (request, mine)
        for claim in order.claims.values():
            held = [unit.claim_id == claim.claim_id for unit in order.pick(claim.units)]
            assert held == [claim.status in ("open", "granted")] * len(held)

    def next_step(self, order, unit, parcels):
        """A unit goes on by a clock, or by what somebody owes.

        Unshipped: its keeper packs it, and the buyer cancels or asks (`options_agree` sees to that). Under way or
        coming back: its parcel is where it is, so that reports and receipts move it; marketplace-fulfilled, the clock
        takes it as lost; seller-fulfilled, it can be claimed (`the_guarantee_is_near`). In return: the return is open,
        with the same two ways out. Cancelled, returned or lost: a refund, which is deferred (a clock) or must be paid.
        """
        parcel, refund = parcels.get(unit.shipment_id), order.refunds.get(unit.refund_id or "")
        if unit.state == "preparing" or unit.state in UNDER_WAY | COMING_BACK:
            assert parcel is not None
            assert parcel.state == unit.state
            assert unit.number in parcel.contents[order.order_id][unit.item_id]
        if unit.state in UNDER_WAY | COMING_BACK and not order.by_seller:
            assert order.order_id in self.due, "no buyer waits for ever"
        if unit.state == "in-return":
            status = order.return_status(order.returns[unit.return_id])
            assert status in ("open", "handed-over")
            assert order.order_id in self.due or (order.by_seller and status == "handed-over")
        if unit.state in SETTLING:
            assert refund is not None
            assert refund.status == "due" or (refund.status == "deferred" and order.order_id in self.due)
        if unit.state == "refunded":
            assert refund is not None
        if unit.state in PACKABLE:
            assert unit.shipment_id is None

    def comes_to_an_end(self, now):
        """If everybody does what they owe, every unit ends delivered or refunded, and all is paid."""
        for order_id in list(self.ledgers):
            options_agree(self, order_id, now + timedelta(days=1))
            if self.order(order_id).by_seller:
                the_guarantee_is_near(self, order_id, now + timedelta(days=1))
        at = (now + timedelta(days=1)).isoformat()
        for order_id in sorted(self.ledgers):
            self.fulfil(order_id, at)
        for name in [name for name in self.facts() if name.startswith("shipment:")]:
            self.arrive(name.removeprefix("shipment:"), at)
        for order_id in sorted(self.ledgers):
            self.close(order_id, at)
        self.dutifully("pass-time", at=(now + timedelta(days=200)).isoformat())
        for order_id in sorted(self.ledgers):
            self.pay_back(order_id, (now + timedelta(days=200)).isoformat())
            assert set(self.ledgers[order_id].states.values()) <= {"delivered", "refunded"}
            assert all(refund.status == "paid" for refund in self.order(order_id).refunds.values())
        assert self.due == {}

    def dutifully(self, command, **fields):
        self.commands += 1
        result = self.watched({"command": command, "command_id": f"end-{self.commands}", **fields})
        assert result["status"] in ("accepted", "noted"), result

    def fulfil(self, order_id, at):
        self.dutifully("pass-time", at=at)
        for request in self.order(order_id).requests.values():
            if request.status == "open":
                self.dutifully("answer-cancellation", request_id=request.request_id, approve=False, at=at)
        if any(unit.state in PACKABLE for unit in self.order(order_id).units):
            contents, carrier = [{"order_id": order_id, "items": "all"}], {"name": "Post", "kind": "partner"}
            self.dutifully("pack-shipment", shipment_id=f"S-{order_id}", contents=contents, carrier=carrier, at=at)

    def arrive(self, shipment_id, at):
        state = self.parcel(shipment_id).state
        if state == "preparing" or state in UNDER_WAY:
            self.dutifully("deliver", shipment_id=shipment_id, at=at)
        elif state in COMING_BACK:
            self.dutifully("receive-return", shipment_id=shipment_id, at=at)

    def close(self, order_id, at):
        for claim in self.order(order_id).claims.values():
            if claim.status == "open":
                self.dutifully("decide-claim", claim_id=claim.claim_id, approve=True, at=at)
        for return_id in self.order(order_id).returns:
            order = self.order(order_id)
            waiting = Counter(unit.item_id for unit in order.outstanding(order.returns[return_id]))
            if waiting:
                came = [{"item_id": i, "quantity": n, "condition": "opened"} for i, n in waiting.items()]
                self.dutifully("receive-return", return_id=return_id, received=came, at=at)

    def pay_back(self, order_id, at):
        for refund in self.order(order_id).refunds.values():
            for payout in refund.payouts.values():
                if payout.status != "paid":
                    about = {"refund_id": refund.refund_id, "payment_id": payout.payment_id}
                    self.dutifully("report-payout", **about, outcome="paid", reference="last", at=at)
