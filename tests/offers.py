"""Options agree with what commands then do: each offer is taken on a copy of the world, each refusal is tried."""

from collections import Counter
from datetime import datetime, timedelta

from ordertrail.domain import decode
from ordertrail.domain import events as e

SEQUENCE = [
    "cancel-items",
    "request-cancellation",
    "refuse-delivery",
    "start-return",
    "withdraw-return",
    "file-claim",
    "withdraw-claim",
]
DIRECTLY = ("CANCEL-1", "SELLER-1")


def options_agree(book, order_id, at):
    """Try everything that the options say of the order at ``at``."""
    moment = at.isoformat()
    offers = book.options(order_id, at=moment)["options"]
    assert list(dict.fromkeys(offer["action"] for offer in offers)) == SEQUENCE
    for offer in offers:
        trial = Trial(book, order_id, moment)
        if offer["allowed"]:
            TAKEN[offer["action"]](trial, offer)
        else:
            trial.refused(offer)
    the_buyer_has_a_way(book, order_id, moment, offers)


def the_buyer_has_a_way(book, order_id, at, offers):
    """Of each line that has units to ship, some can be cancelled or asked for, or all are asked for already."""
    now = Trial(book, order_id, at)
    now.book.run("pass-time", at=at)
    order = now.book.order(order_id)
    ways = {i for offer in offers if offer["allowed"] and offer["action"] in SEQUENCE[:2] for i in offer["items"]}
    unshipped = [u for u in order.units if u.state in ("placed", "seller-window", "with-seller", "preparing")]
    assert {unit.item_id for unit in unshipped if unit.request_id is None} <= ways


def the_guarantee_is_near(book, order_id, now):
    """What a seller has not delivered 30 days after the placing can be claimed, in time and once."""
    placed_at = book.order(order_id).placed_at
    at = max(now, placed_at + timedelta(days=30, microseconds=1))
    if at > placed_at + timedelta(days=90):
        return
    then = Trial(book, order_id, at.isoformat())
    then.run("pass-time")
    order = then.book.order(order_id)
    claimed_before = {(i, n) for claim in order.claims.values() for i, ns in claim.units.items() for n in ns}
    waiting = Counter(
        unit.item_id
        for unit in order.units
        if unit.state not in ("delivered", "in-return")
        and unit.refund_id is None
        and (unit.item_id, unit.number) not in claimed_before
    )
    (offer,) = [o for o in then.book.options(order_id, at=then.at)["options"] if o["action"] == "file-claim"]
    assert not waiting or offer["allowed"], waiting
    assert all(offer["items"].get(item_id, 0) >= count for item_id, count in waiting.items()), (offer, waiting)


class Trial:
    """A copy of the world in which one offer is taken."""

    def __init__(self, book, order_id, at):
        self.world, self.order_id, self.at = book, order_id, at
        self.again()

    def again(self):
        self.book = self.world.fork()
        self.before = {name: len(states) for name, states in self.book.stored.items()}

    def run(self, command, **fields):
        return self.book.run(command, at=self.at, command_id=f"try-{self.book.commands}", **fields)

    def done(self, command, **fields):
        result = self.run(command, **fields)
        assert result["status"] == "accepted", (command, fields, result)
        return result

    def of_order(self, command, items, **fields):
        return self.run(command, order_id=self.order_id, items=items, **fields)

    def fresh(self, kind, *, everywhere=False):
        """New events of a kind, by a command and not by the clock, of this order or of all streams."""
        mine = [f"order:{self.order_id}"]
        names = sorted(self.book.stored) if everywhere else mine
        events = [decode(x) for name in names for x in self.book.stored[name][self.before.get(name, 0) :]]
        return [event for event in events if isinstance(event, kind) and event.actor != "system"]

    def promised(self, offer):
        """The refund that was offered is the refund that was made."""
        made = self.fresh(e.RefundOwed)
        if offer["refund"] is None:
            assert made == [], offer
            return
        assert offer["refund"]["amount"] == sum(refund.amount for refund in made), (offer, made)
        payouts = Counter()
        for refund in made:
            payouts.update({payout.payment_id: payout.amount for payout in refund.payouts})
        offered = Counter()
        for payout in offer["refund"]["payouts"]:
            offered[payout["payment_id"]] += payout["amount"]
        assert offered == payouts, (offer, made)
        if offer["refund"]["when"] != "on-receipt":
            assert {offer["refund"]["when"]} == {"deferred" if refund.due_at is None else "due" for refund in made}

    def received(self, kind):
        """The parcels that went back by this trial are received."""
        for event in self.fresh(kind, everywhere=True):
            self.done("receive-return", shipment_id=event.shipment_id)

    def cascade_is_asked_for(self, command, offer, **fields):
        """Taken without accepting the rest of the parcel, where there is a rest; what goes along is listed."""
        if offer["cascade"]:
            result = self.of_order(command, offer["items"], **fields)
            assert (result["status"], result["rule"]) == ("rejected", "COMBINED-1"), (offer, result)
            assert result["cascade"] == offer["cascade"]
            self.again()

    def refused(self, offer):
        """What is not offered is rejected by the same rule, with the same reason and advice."""
        action = offer["action"]
        if action in ("cancel-items", "request-cancellation", "start-return", "file-claim"):
            extra = {"reason": "other"} if action == "start-return" else {}
            if "cancel" in action:
                extra = {"accept_cascade": True}
            result = self.of_order(action, "all", **extra)
            if action == "request-cancellation" and offer["rule"] in DIRECTLY:
                assert result["status"] == "accepted", result
                assert self.fresh(e.CancellationRequested) == []
                return
            said = {key: result.get(key) for key in ("status", "rule", "reason", "advice")}
            assert said == {"status": "rejected"} | {key: offer[key] for key in ("rule", "reason", "advice")}, offer
        elif "return_id" in offer:
            result = self.run("withdraw-return", return_id=offer["return_id"])
            assert (result["status"], result["rule"]) == ("rejected", offer["rule"]), result
        elif action == "refuse-delivery":
            self.run("pass-time")
            assert not any(u.state in ("shipped", "out-for-delivery", "returning") for u in self.units())

    def units(self):
        return self.book.order(self.order_id).units


def cancelled(trial, offer):
    trial.cascade_is_asked_for("cancel-items", offer)
    trial.of_order("cancel-items", offer["items"], accept_cascade=True)
    moved = trial.fresh(e.ItemsCancelled)
    assert {event.rule for event in moved} == {offer["rule"]}
    assert how_many(moved) == Counter(offer["items"]) + along(offer, trial.order_id), offer
    trial.promised(offer)
    shown = trial.book.show(trial.order_id)
    trial.again()
    trial.of_order("cancel-items", "all", accept_cascade=bool(offer["cascade"]))
    assert trial.book.show(trial.order_id) == shown, "all means what is listed"
    if offer["until"] is not None:
        trial.again()
        trial.at = just_after(offer["until"])
        assert trial.of_order("cancel-items", offer["items"], accept_cascade=True)["status"] == "rejected"


def asked(trial, offer):
    trial.cascade_is_asked_for("request-cancellation", offer)
    trial.done("request-cancellation", order_id=trial.order_id, items=offer["items"], accept_cascade=True)
    (request,) = trial.fresh(e.CancellationRequested)
    assert (request.rule, request.to, how_many([request])) == (offer["rule"], offer["to"], Counter(offer["items"]))
    trial.done("answer-cancellation", request_id=request.request_id, approve=True)
    trial.received(e.ShipmentTurnedBack)
    trial.promised(offer)


def refused(trial, offer):
    trial.run("pass-time")
    coming = {u.shipment_id for u in trial.units() if u.state in ("shipped", "out-for-delivery", "returning")}
    for shipment_id in sorted(coming):
        trial.done("refuse-delivery", shipment_id=shipment_id)
    assert how_many(trial.fresh(e.ItemsRefused)) == Counter(offer["items"]) + along(offer, trial.order_id)
    trial.received(e.ShipmentRefused)
    trial.promised(offer)


def returned(trial, offer):
    trial.done("start-return", order_id=trial.order_id, items=offer["items"], reason="other")
    (started,) = trial.fresh(e.ReturnStarted)
    assert how_many([started]) == Counter(offer["items"])
    came = [{"item_id": i, "quantity": n, "condition": "unopened"} for i, n in offer["items"].items()]
    trial.done("receive-return", return_id=started.return_id, received=came)
    trial.promised(offer)
    trial.again()
    trial.done("start-return", order_id=trial.order_id, items="all", reason="other")
    assert how_many(trial.fresh(e.ReturnStarted)) == Counter(offer["items"])
    for at, status in ((offer["until"], "accepted"), (just_after(offer["until"]), "rejected")):
        trial.again()
        trial.at = at
        assert trial.of_order("start-return", offer["items"], reason="other")["status"] == status, offer


def withdrawn(trial, offer):
    trial.done("withdraw-return", return_id=offer["return_id"])
    assert how_many(trial.fresh(e.ReturnWithdrawn)) == Counter(offer["items"])


def claimed(trial, offer):
    trial.done("file-claim", order_id=trial.order_id, items=offer["items"])
    (claim,) = trial.fresh(e.ClaimFiled)
    assert how_many([claim]) == Counter(offer["items"])
    trial.done("decide-claim", claim_id=claim.claim_id, approve=True)
    trial.promised(offer)
    trial.again()
    trial.done("file-claim", order_id=trial.order_id, items="all")
    assert how_many(trial.fresh(e.ClaimFiled)) == Counter(offer["items"])


def claim_withdrawn(trial, offer):
    trial.done("withdraw-claim", claim_id=offer["claim_id"])


def how_many(events):
    counted = Counter()
    for event in events:
        counted.update({item_id: len(numbers) for item_id, numbers in event.units.items()})
    return counted


def along(offer, order_id):
    """What goes along of the order itself."""
    return Counter({c["item_id"]: c["quantity"] for c in offer["cascade"] if c["order_id"] == order_id})


def just_after(moment):
    return (datetime.fromisoformat(moment) + timedelta(microseconds=1)).isoformat()


TAKEN = {
    "cancel-items": cancelled,
    "request-cancellation": asked,
    "refuse-delivery": refused,
    "start-return": returned,
    "withdraw-return": withdrawn,
    "file-claim": claimed,
    "withdraw-claim": claim_withdrawn,
}
