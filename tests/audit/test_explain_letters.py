"""`audit explain`, as a buyer reads it: what others tried is not theirs, and nothing in it is the engine's own word."""

import re
from pathlib import Path

import pytest

import ordertrail.domain
from letters import VANS, Log, letter
from ordertrail.application.audit.explain import OrderExplained, explain
from ordertrail.application.audit.explain.attempts import NOT_FOR_BUYERS, Attempt
from ordertrail.application.audit.explain.tells_attempts import DEEDS, SINCE, WHY
from ordertrail.domain.commands import COMMANDS

MONDAY = "Monday 5 January 2026"


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "shop.db")


def told(log: Log, url: str, its_id: str = "O1") -> str:
    """The letter about an order of a lamp or two."""
    log.apply(url)
    return letter(explain(url, its_id))


def two_lamps(log: Log) -> None:
    log.place({"A-17": {"title": "Lamp", "quantity": 2, "unit_price": 1000}})


def coming_back(log: Log, condition: str, reason: str = "other", price: int = 301) -> None:
    log.place({"A": price})
    log.send("12:00")
    log.add("deliver", "14:00", shipment_id="S1")
    log.add("start-return", "+1d 10:00", order_id="O1", items="all", reason=reason)
    came = [{"item_id": "A", "quantity": 1, "condition": condition}]
    log.add("receive-return", "+4d 10:00", return_id="O1:return:1", received=came)


# --- what others tried ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("actor", "actor_id"), [("buyer", "eve"), ("seller", "M1"), ("warehouse", None)])
def test_auth_1_what_somebody_else_tried_is_not_told(actor: str, actor_id: str | None, log: Log, url: str) -> None:
    two_lamps(log)
    named = {"actor": actor} | ({"actor_id": actor_id} if actor_id else {})
    log.add("cancel-items", "11:00", order_id="O1", items="all", **named)
    said = told(log, url)
    assert "tried" not in said
    assert "AUTH-1" not in said


def test_what_a_stranger_tried_without_naming_a_part_is_not_told(log: Log, url: str) -> None:
    two_lamps(log)
    log.add("start-return", "11:00", actor_id="eve", order_id="O1", items="all", reason="late")
    assert "tried" not in told(log, url)


def test_order_0_an_id_that_the_host_used_twice_is_not_told(log: Log, url: str) -> None:
    two_lamps(log)
    log.add("cancel-items", "11:00", command_id="c-1", order_id="O1", items="all")
    said = told(log, url)
    assert "tried" not in said
    assert "ORDER-0" not in said


def test_as_data_there_is_all_that_was_tried(log: Log, url: str) -> None:
    two_lamps(log)
    log.add("cancel-items", "11:00", actor="buyer", actor_id="eve", order_id="O1", items="all")
    log.apply(url)
    explanation = explain(url, "O1")
    assert isinstance(explanation, OrderExplained)
    attempt = explanation.history[-1]
    assert isinstance(attempt, Attempt)
    assert (attempt.actor, attempt.actor_id, attempt.rule) == ("buyer", "eve", "AUTH-1")
    assert attempt.reason == "order O1 is not this buyer's"


# --- what was tried in vain, in a buyer's words -----------------------------------------------------------------------


def test_combined_1_the_rest_of_the_parcel_is_named_without_a_field(log: Log, url: str) -> None:
    two_lamps(log)
    contents = [{"order_id": "O1", "items": "all"}]
    log.add("pack-shipment", "10:05", shipment_id="S1", contents=contents, carrier=VANS)
    log.add("request-cancellation", "10:06", order_id="O1", items={"A-17": 1})
    assert (
        f"- You tried on {MONDAY} at 10:06 UTC to ask for the cancellation of 1 of 2 × Lamp; it was refused, because "
        "the rest of the parcel may be cancelled with it, and that had not been accepted (COMBINED-1).\n"
    ) in told(log, url)


def test_combined_1_goods_of_a_parcel_that_left_cannot_be_taken_out(log: Log, url: str) -> None:
    two_lamps(log)
    log.send("11:00")
    log.add("request-cancellation", "11:30", order_id="O1", items="all")
    log.add("answer-cancellation", "12:00", request_id="O1:request:1", approve=True, scope="units")
    assert (
        f"- The carrier tried on {MONDAY} at 12:00 UTC to answer the request to cancel O1:request:1; it was refused, "
        "because goods cannot be taken out of a parcel that has left (COMBINED-1).\n"
    ) in told(log, url, "O1:request:1")


def test_return_1_the_end_of_the_time_to_return_is_a_date(log: Log, url: str) -> None:
    two_lamps(log)
    log.send("12:00")
    log.add("deliver", "+1d 13:00", shipment_id="S1")
    log.add("start-return", "+0d 13:00", order_id="O1", items={"A-17": 1}, reason="damaged")
    log.add("start-return", "+60d 13:00", order_id="O1", items={"A-17": 1}, reason="damaged")
    said = told(log, url)
    tried = "UTC to return 1 of 2 × Lamp; it was refused, because"
    assert f"{tried} it was delivered only on Tuesday 6 January 2026 at 13:00 UTC (RETURN-1)." in said
    assert f"{tried} the time to return it had ended on Thursday 5 February 2026 at 13:00 UTC (RETURN-1)." in said


def test_seller_3_a_state_is_said_in_words(log: Log, url: str) -> None:
    log.place({"A": 500}, seller_id="M1", fulfilled_by="seller")
    log.send("11:00")
    log.add("start-delivery", "12:00", shipment_id="S1")
    log.add("cancel-items", "12:30", order_id="O1", items={"A": 1})
    said = "it was on its way already; the delivery can be refused at the door (SELLER-3)."
    assert f"- You tried on {MONDAY} at 12:30 UTC to cancel 1 × A; it was refused, because {said}\n" in told(log, url)


def test_claim_1_the_guarantee_is_for_what_a_seller_ships(log: Log, url: str) -> None:
    two_lamps(log)
    log.add("file-claim", "+40d 10:00", order_id="O1", items="all")
    because = "it was refused, because the guarantee is for orders that their seller ships (CLAIM-1)."
    assert f"to call on the guarantee for everything; {because}\n" in told(log, url)


def test_an_item_that_the_order_does_not_have_is_called_as_it_was_asked_for(log: Log, url: str) -> None:
    two_lamps(log)
    log.add("cancel-items", "11:00", order_id="O1", items={"A-17": 5, "shade": 1})
    because = "it was refused, because there is no such thing in the order, or not so many (ORDER-2)."
    assert f"to cancel 5 × Lamp and 1 × shade; {because}\n" in told(log, url)


def test_placing_again_and_a_report_that_changes_nothing_are_sentences(log: Log, url: str) -> None:
    two_lamps(log)
    two_lamps(log)
    log.send("12:00")
    log.add("deliver", "14:00", shipment_id="S1")
    log.add("turn-back", "15:00", shipment_id="S1")
    said = told(log, url)
    again = "to place the order again; it was refused, because it had been placed already (ORDER-1)."
    assert f"- The marketplace tried on {MONDAY} at 10:00 UTC {again}\n" in said
    back = "that parcel S1 had turned back; it changed nothing."
    assert f"- The carrier reported on {MONDAY} at 15:00 UTC {back}\n" in said


def test_every_command_and_every_rule_that_says_no_has_its_words() -> None:
    assert DEEDS.keys() == COMMANDS.keys()
    domain = Path(next(iter(ordertrail.domain.__path__)))
    says_no = re.compile(r'\b(?:Rejection|refused|_asking)\(\s*"([A-Z]+-\d+)"')
    rules = {rule for file in domain.glob("*.py") for rule in says_no.findall(file.read_text("utf-8"))}
    assert len(rules) > 20
    assert rules <= {*WHY, *SINCE, *NOT_FOR_BUYERS}


# --- sums, and what is kept -------------------------------------------------------------------------------------------


def test_return_2_of_a_unit_that_came_unopened_nothing_is_kept_and_why(log: Log, url: str) -> None:
    coming_back(log, "unopened")
    assert "\n- Nothing is kept, as nothing came back opened (RETURN-2).\n" in told(log, url, "O1:refund:1")


def test_return_2_of_a_damaged_unit_that_came_opened_nothing_is_kept_and_why(log: Log, url: str) -> None:
    coming_back(log, "opened", reason="damaged")
    said = told(log, url, "O1:refund:1")
    assert "\n- Nothing is kept, as your reason was: the goods are damaged (RETURN-2).\n" in said


def test_return_2_a_fraction_of_a_cent_is_rounded_in_the_buyers_favour_and_said_to_be(log: Log, url: str) -> None:
    coming_back(log, "opened")
    said = told(log, url, "O1:refund:1")
    kept = "50 % of 3.01 (price less discount) = 1.505, rounded down in your favour: 1.50 USD (RETURN-2)"
    assert f"\n- Kept, as opened: A: {kept}.\n" in said
    assert "\n- Refund: 3.01 - 1.50 = 1.51 USD.\n" in said


def test_return_2_a_currency_without_cents_is_rounded_to_whole_units(log: Log, url: str) -> None:
    log.place({"A": 333}, currency="JPY")
    log.send("12:00")
    log.add("deliver", "14:00", shipment_id="S1")
    log.add("start-return", "+1d 10:00", order_id="O1", items="all", reason="other")
    came = [{"item_id": "A", "quantity": 1, "condition": "opened"}]
    log.add("receive-return", "+4d 10:00", return_id="O1:return:1", received=came)
    said = told(log, url, "O1:refund:1")
    assert "50 % of 333 (price less discount) = 166.5, rounded down in your favour: 166 JPY (RETURN-2)." in said


# --- what was learned late --------------------------------------------------------------------------------------------


def late_dispatch(log: Log) -> None:
    log.place({"A": 1000, "C": 1000})
    contents = [{"order_id": "O1", "items": {"C": 1}}]
    log.add("pack-shipment", "10:30", shipment_id="S1", contents=contents, carrier=VANS)
    log.add("cancel-items", "12:00", order_id="O1", items={"A": 1})
    log.add("dispatch-shipment", "11:00", shipment_id="S1")


def test_partial_1_a_dispatch_that_was_learned_after_a_cancellation_is_told_as_it_was_known(log: Log, url: str) -> None:
    late_dispatch(log)
    said = told(log, url, "O1:refund:1")
    assert "1 × C of the same order still waited to be shipped for all that was known then; so it was put off" in said
    handed = f"- 1 × C was handed to the carrier on {MONDAY} at 11:00 UTC, as was learned only later (SCAN-1).\n"
    assert handed in said
    assert handed in letter(explain(url, "O1"))


def test_what_was_reported_at_once_is_not_said_to_be_learned_late(log: Log, url: str) -> None:
    two_lamps(log)
    log.send("12:00")
    assert "learned" not in told(log, url)
