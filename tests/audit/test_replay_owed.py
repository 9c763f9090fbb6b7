"""`audit replay` finds money that nobody could owe, also where all amounts add up: one altered event, one finding."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lives import FEES
from ordertrail.application.audit.replay import replay
from replays import SETTINGS, Altered, found, refund
from shop import cancelling, line, packing, placing, scan

State = dict[str, Any]
Change = Callable[[State], object]
Fault = tuple[str, str, Change, str]
"""Whose stream, which event, how it is altered, and the rule that is broken."""
A_YEAR_LATER = "2027-01-12T17:00:00Z"


def returning(order_id: str, reason: str, condition: str, **fields: Any) -> Iterator[bytes]:
    """The order's parcel is delivered, and all of it comes back."""
    start = {"command": "start-return", "command_id": f"{order_id}-3", "order_id": order_id, "items": "all"}
    received = {"return_id": f"{order_id}:return:1", "received": [_one(condition)]}
    yield line(packing(f"{order_id}-1", f"S-{order_id}", order_id), "12:00")
    yield line(scan("deliver", f"{order_id}-2", shipment_id=f"S-{order_id}"), "+1d 10:00")
    yield line(start | {"reason": reason, **fields}, "+2d 10:00")
    yield line({"command": "receive-return", "command_id": f"{order_id}-4", **received}, "+5d 10:00")


def _one(condition: str) -> dict[str, Any]:
    return {"item_id": "A", "quantity": 1, "condition": condition}


def story() -> list[bytes]:
    """Split is paid by two payments and cancelled in parts; Opened, Mind and Credit come back, Fee is refused.

    Lost is lost, Asked asks its seller, and of Odd too much is paid.
    """
    payments = [("G", "gift-card", 1500), ("C", "credit-card", 3500)]
    split = placing("Split") | {
        "payments": [{"payment_id": its_id, "method": how, "amount": amount} for its_id, how, amount in payments]
    }
    names = ("Opened", "Mind", "Credit", "Fee", "Lost", "Odd")
    log = [line(split, "10:00"), line(placing("Asked", seller="M1"), "10:00")]
    log += [line(placing(name, items={"A": 4000}), "10:00") for name in names]
    log += [
        line(cancelling("a-1", "Split", {"A": 1}), "10:10"),
        line(cancelling("a-2", "Asked", {"A": 1}) | {"command": "request-cancellation"}, "11:00"),
        line(packing("a-3", "S-Split", "Split"), "12:00"),
        line(scan("dispatch-shipment", "a-4", shipment_id="S-Split"), "17:00"),
        *returning("Opened", "other", "opened"),
        *returning("Mind", "changed-mind", "unopened"),
        *returning("Credit", "changed-mind", "unopened", refund_to="store-credit"),
        line(packing("a-5", "S-Fee", "Fee") | {"mail_class": "parcel"}, "12:00"),
        line(scan("refuse-delivery", "a-6", shipment_id="S-Fee"), "+1d 10:00"),
        line({"command": "receive-return", "command_id": "a-7", "shipment_id": "S-Fee"}, "+6d 10:00"),
        line(packing("a-8", "S-Lost", "Lost"), "12:00"),
        line(scan("lose-shipment", "a-9", shipment_id="S-Lost"), "+6d 11:00"),
        line(cancelling("a-10", "Odd"), "12:00"),
        line(refund("Odd", "report-payout", "a-11", outcome="paid", reference="R1", amount=4100), "+6d 12:00"),
    ]
    return sorted(log, key=_at)


def _at(raw: bytes) -> str:
    return raw.partition(b'"at": "')[2].decode()


@pytest.fixture
def store(tmp_path: Path) -> Altered:
    fees = tmp_path / "fees.toml"
    fees.write_text(FEES)
    return Altered(tmp_path / "shop.db", story(), fees)


def kept(*deductions: tuple[str, int]) -> Change:
    """Other deductions, and everything else as it follows from them."""

    def change(state: State) -> None:
        state["deductions"] = [{"kind": kind, "amount": amount} for kind, amount in deductions]
        state["amount"] = state["value"] - sum(amount for _, amount in deductions)
        state["payouts"][0]["amount"] = state["amount"]

    return change


def moved(amount: int) -> Change:
    """So much of a refund from the first payment to the second."""

    def change(state: State) -> None:
        state["payouts"][0]["amount"] -= amount
        state["payouts"][1]["amount"] += amount

    return change


def paying(**fields: Any) -> Change:
    return lambda state: state["payouts"][0].update(fields)


def all_to_the_second(state: State) -> None:
    state["payouts"] = [state["payouts"][1] | {"amount": state["amount"]}]


def discounted(state: State) -> None:
    state["items"][0].update(discount=4500, tax=4500)


def with_fields(**fields: Any) -> Change:
    return lambda state: state.update(fields)


FAULTS: dict[str, Fault] = {
    "a_line_with_more_discount_than_it_costs": ("Opened", "order-placed", discounted, "ORDER-3"),
    "a_currency_that_there_is_not": ("Opened", "order-placed", with_fields(currency="XXQ"), "amounts"),
    "a_deduction_that_gives": (
        "Opened",
        "refund-owed",
        kept(("restocking", 2500), ("return-shipping", -500)),
        "amounts",
    ),
    "less_restocking_than_the_policys": ("Opened", "refund-owed", kept(("restocking", 1)), "RETURN-2"),
    "more_restocking_than_the_policys": ("Opened", "refund-owed", kept(("restocking", 2001)), "RETURN-2"),
    "restocking_of_what_was_not_opened": (
        "Mind",
        "refund-owed",
        kept(("restocking", 2000), ("return-shipping", 500)),
        "RETURN-2",
    ),
    "restocking_on_a_cancellation": ("Odd", "refund-owed", kept(("restocking", 100)), "RETURN-2"),
    "a_receipt_that_says_nothing_was_opened": ("Opened", "return-received", with_fields(opened={}), "RETURN-2"),
    "return_shipping_for_another_reason": (
        "Opened",
        "refund-owed",
        kept(("restocking", 2000), ("return-shipping", 500)),
        "RETURN-3",
    ),
    "no_return_shipping_for_a_changed_mind": ("Mind", "refund-owed", kept(), "RETURN-3"),
    "another_refusal_fee_than_the_policys": ("Fee", "refund-owed", kept(("return-shipping", 299)), "REFUSE-2"),
    "no_refusal_fee": ("Fee", "refund-owed", kept(), "REFUSE-2"),
    "a_refusal_fee_for_first_class_mail": (
        "S-Fee",
        "shipment-packed",
        with_fields(mail_class="first-class"),
        "REFUSE-2",
    ),
    "all_of_it_to_the_second_payment": ("Split", "refund-owed", all_to_the_second, "REFUND-1"),
    "a_split_of_another_hundred": ("Split", "refund-owed", moved(100), "REFUND-1"),
    "store_credit_that_nobody_chose": (
        "Opened",
        "refund-owed",
        paying(payment_id="store-credit", method="store-credit", promised_by="2026-01-10T12:00:00Z"),
        "RETURN-3",
    ),
    "store_credit_that_was_chosen_and_is_not_given": (
        "Credit",
        "refund-owed",
        paying(payment_id="P1", method="credit-card", promised_by="2026-01-16T10:00:00Z"),
        "REFUND-1",
    ),
    "a_payout_by_another_method": ("Split", "refund-owed", paying(method="bank-transfer"), "REFUND-1"),
    "a_released_refund_that_falls_due_a_year_later": (
        "Split",
        "refund-released",
        with_fields(due_at=A_YEAR_LATER),
        "PARTIAL-1",
    ),
    "a_released_refund_that_is_promised_a_year_later": (
        "Split",
        "refund-released",
        with_fields(promises={"G": A_YEAR_LATER, "C": A_YEAR_LATER}),
        "REFUND-2",
    ),
    "a_refund_that_falls_due_a_year_later": (
        "Lost",
        "refund-owed",
        lambda state: (
            state.update(due_at=A_YEAR_LATER),
            state["payouts"][0].update(promised_by="2027-01-19T17:00:00Z"),
        ),
        "REFUND-2",
    ),
    "a_refund_of_received_units_as_lost": ("Opened", "refund-owed", with_fields(cause="lost", rule="LOST-1"), "LOST-1"),
    "a_refund_of_lost_units_as_returned": ("Lost", "refund-owed", with_fields(cause="returned"), "SCAN-1"),
    "a_refund_by_a_claim_that_nobody_filed": (
        "Lost",
        "refund-owed",
        with_fields(cause="claim", rule="CLAIM-2"),
        "CLAIM-2",
    ),
    "a_refund_of_goods_in_another_parcel": ("Fee", "refund-owed", with_fields(shipment_id="S-Lost"), "RETURN-5"),
    "a_cancellations_refund_that_should_have_waited": (
        "Split",
        "refund-owed",
        with_fields(rule="CANCEL-1", due_at="2026-01-05T10:10:00Z"),
        "PARTIAL-1",
    ),
    "a_return_that_lapses_years_later": (
        "Opened",
        "return-started",
        with_fields(lapses_at="2029-01-10T08:00:00Z"),
        "RETURN-4",
    ),
    "a_return_that_started_before_its_delivery": (
        "Opened",
        "items-delivered",
        with_fields(at="2026-01-07T11:00:00Z", recorded_at="2026-01-07T11:00:00Z"),
        "RETURN-1",
    ),
    "a_request_that_may_be_answered_for_ever": (
        "Asked",
        "cancellation-requested",
        with_fields(answer_by=A_YEAR_LATER),
        "SELLER-2",
    ),
    "an_unexpected_payment_by_another_method": (
        "Odd",
        "payment-unexpected",
        with_fields(method="gift-card"),
        "REFUND-5",
    ),
    "an_unexpected_payment_for_another_reason": (
        "Odd",
        "payment-unexpected",
        with_fields(because="deferred"),
        "REFUND-5",
    ),
}


def test_such_a_store_is_clean_as_it_was_recorded(store: Altered) -> None:
    for settings in (None, *SETTINGS):
        assert replay(store.url, settings=settings).findings == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_money_that_nobody_could_owe_is_found(fault: Fault, store: Altered) -> None:
    whose, event, change, rule = fault
    stream = f"shipment:{whose}" if whose.startswith("S-") else f"order:{whose}"
    store.alter(stream, event, change)
    report = replay(store.url)
    assert rule in report.by_rule, report.findings
    for settings in SETTINGS:
        assert replay(store.url, settings=settings).findings == report.findings


def test_a_refund_released_while_units_wait_to_be_shipped_is_found(store: Altered) -> None:
    store.sql("DELETE FROM stored_events WHERE originator_id = 'order:Split' AND topic = 'items-dispatched'")
    position = store.position("order:Split", "refund-released")
    assert (position, "order Split", "PARTIAL-1") in found(replay(store.url))
