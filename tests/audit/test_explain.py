"""`audit explain`: the worked examples in words, what stands behind each link of the chain, and the command."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from letters import VANS, Log, letter
from ordertrail.application.audit.explain import (
    ClaimExplained,
    OrderExplained,
    RefundExplained,
    RequestExplained,
    ReturnExplained,
    UnknownId,
    explain,
)
from ordertrail.application.audit.explain.recorded import Given, Number, Passed, Step
from ordertrail.domain import default_policy_toml
from postgres import fresh_schema
from processes import failed_in_one_sentence, ordertrail, rows

GOLDEN = Path(__file__).parent / "explained"
POST = {"name": "post", "kind": "partner"}


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "shop.db")


def refund_of(url: str, refund_id: str = "O1:refund:1") -> RefundExplained:
    explanation = explain(url, refund_id)
    assert isinstance(explanation, RefundExplained)
    assert explanation.doubts == []
    return explanation


def kinds(steps: list[Step]) -> list[str]:
    return [step.event.type for step in steps]


# --- the worked examples of the rulebook ------------------------------------------------------------------------------


def split_cents(log: Log) -> None:
    log.place({"A": {"title": "lamp", "quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}})
    log.add("cancel-items", "10:10", order_id="O1", items={"A": 1}, reason="mistake")
    log.add("cancel-items", "10:20", order_id="O1", items={"A": 2})


def two_payments(log: Log) -> None:
    paid = [("G1", "gift-card", 1500), ("C1", "credit-card", 3500)]
    log.place({"A": 2000, "B": 3000}, payments=[{"payment_id": p, "method": m, "amount": a} for p, m, a in paid])
    log.add("cancel-items", "10:10", order_id="O1", items={"A": 1})
    log.add("cancel-items", "10:20", order_id="O1", items={"B": 1})


def changed_mind(log: Log) -> None:
    log.place({"A": {"unit_price": 4000, "tax": 400, "shipping": 600}})
    log.send("12:00")
    log.add("deliver", "14:00", shipment_id="S1")
    log.add("start-return", "+1d 10:00", order_id="O1", items="all", reason="changed-mind")
    came = [{"item_id": "A", "quantity": 1, "condition": "opened"}]
    log.add("receive-return", "+4d 10:00", return_id="O1:return:1", received=came)


def claim_over_an_unpaid_refund(log: Log) -> None:
    paid = [("G1", "gift-card", 1500), ("C1", "credit-card", 500)]
    payments = [{"payment_id": p, "method": m, "amount": a} for p, m, a in paid]
    log.place({"A": 2000}, payments=payments, seller_id="M1", fulfilled_by="seller")
    log.add("cancel-items", "10:40", order_id="O1", items="all")
    log.add("request-cancellation", "11:00", order_id="O1", items="all")
    log.add("answer-cancellation", "12:00", request_id="O1:request:1", approve=True)
    report = {"refund_id": "O1:refund:1", "outcome": "paid"}
    log.add("report-payout", "12:30", payment_id="G1", reference="R1", **report)
    log.add("file-claim", "+8d 10:00", order_id="O1", items="all")
    log.add("decide-claim", "+9d 10:00", claim_id="O1:claim:1", approve=True)
    log.add("submit-payout", "+9d 11:00", refund_id="O1:refund:1", payment_id="C1", actor="marketplace")
    log.add("report-payout", "+9d 12:00", payment_id="C1", reference="R2", actor="marketplace", **report)


def friday(log: Log) -> None:
    log.place({"A": 2000}, at="2026-01-02T09:00:00Z")
    log.add("cancel-items", "2026-01-02T17:00:00Z", order_id="O1", items="all")


@pytest.mark.parametrize(
    ("number", "life", "ids"),
    [
        (1, split_cents, ["O1:refund:1", "O1:refund:2"]),
        (3, two_payments, ["O1:refund:1", "O1:refund:2"]),
        (6, changed_mind, ["O1:refund:1", "O1:return:1"]),
        (9, claim_over_an_unpaid_refund, ["O1:refund:1", "O1:claim:1", "O1:request:1", "O1"]),
        (10, friday, ["O1:refund:1"]),
    ],
)
def test_a_worked_example_in_words(
    number: int, life: Callable[[Log], None], ids: list[str], log: Log, url: str
) -> None:
    life(log)
    log.apply(url)
    told = "\n\n".join(letter(explain(url, its_id)) for its_id in ids)
    golden = GOLDEN / f"example-{number}.md"
    assert told == golden.read_text("utf-8"), f"if these words are better, write them to {golden.name}"


@pytest.mark.postgres
def test_the_same_on_postgresql(log: Log) -> None:
    claim_over_an_unpaid_refund(log)
    with fresh_schema() as postgres:
        log.apply(postgres)
        told = letter(explain(postgres, "O1:refund:1"))
    assert (GOLDEN / "example-9.md").read_text("utf-8").startswith(told)


# --- which thing an id names ------------------------------------------------------------------------------------------


def test_an_id_is_found_whatever_colons_the_hosts_own_ids_have(log: Log, url: str) -> None:
    for order_id in ("O1", "O1:refund:1", "O1:refund:1:refund:1"):
        log.place({"A": 500}, order_id=order_id)
    for order_id in ("O1", "O1:refund:1:refund:1"):
        log.add("cancel-items", "10:05", order_id=order_id, items="all")
    log.apply(url)
    assert isinstance(explain(url, "O1:refund:1"), OrderExplained), "an order's own id goes before"
    longest = explain(url, "O1:refund:1:refund:1:refund:1")
    assert isinstance(longest, RefundExplained)
    assert longest.order.order_id == "O1:refund:1:refund:1"


@pytest.mark.parametrize(
    ("its_id", "sentence"),
    [
        ("O2", "there is no order, request, return, refund or claim O2"),
        ("O2:refund:1", "there is no order, request, return, refund or claim O2:refund:1"),
        ("O1:refund:one", "there is no order, request, return, refund or claim O1:refund:one"),
        ("O1:refund:7", "order O1 has no refund O1:refund:7: it has O1:refund:1, O1:refund:2"),
        ("O1:claim:1", "order O1 has no claim O1:claim:1: it has no claim"),
    ],
)
def test_an_unknown_id_is_one_sentence(its_id: str, sentence: str, log: Log, url: str) -> None:
    two_payments(log)
    log.apply(url)
    with pytest.raises(UnknownId) as error:
        explain(url, its_id)
    assert str(error.value) == sentence


# --- the chain --------------------------------------------------------------------------------------------------------


def test_each_event_leads_to_its_command_with_who_gave_it(log: Log, url: str) -> None:
    log.place({"A": 500})
    log.add("cancel-items", "10:05", order_id="O1", items="all", actor="buyer", actor_id="ben")
    log.apply(url)
    owed = refund_of(url).owed
    stored = rows(f"sqlite:///{url}")["stored_events"]
    assert stored[owed.position - 1][1:3] == ("order:O1", owed.event.version)
    assert isinstance(owed.cause, Given)
    assert (owed.cause.command, owed.cause.command_id, owed.cause.status) == ("cancel-items", "c-2", "accepted")
    assert (owed.cause.actor, owed.cause.actor_id) == ("buyer", "ben")
    assert owed.cause.content["items"] == "all"


def test_units_of_a_return_lead_back_through_parcel_and_return(log: Log, url: str) -> None:
    changed_mind(log)
    log.apply(url)
    assert kinds(refund_of(url).because) == [
        "return-received",
        "return-started",
        "items-delivered",
        "items-dispatched",
        "items-packed",
        "order-placed",
    ]


def test_combined_1_what_went_along_names_the_order_that_took_it(log: Log, url: str) -> None:
    for order_id in ("O1", "O2"):
        log.place({"A": 500}, order_id=order_id)
    contents = [{"order_id": order_id, "items": "all"} for order_id in ("O1", "O2")]
    log.add("pack-shipment", "10:05", shipment_id="S1", contents=contents, carrier=VANS)
    log.add("request-cancellation", "10:06", order_id="O1", items="all", accept_cascade=True)
    log.add("answer-cancellation", "10:07", request_id="O1:request:1", approve=True)
    log.apply(url)
    assert "because the rest of the parcel was cancelled: it was packed together with order O1" in letter(
        explain(url, "O2:refund:1")
    )
    assert "may be cancelled with it: 1 × A of order O2 (COMBINED-1)" in letter(explain(url, "O1:request:1"))


def test_time_1_a_deadline_is_the_cause_with_its_number_and_what_recorded_it(log: Log, url: str) -> None:
    log.place({"A": 500}, seller_id="M1", fulfilled_by="seller")
    log.add("request-cancellation", "11:00", order_id="O1", items="all")
    log.add("pass-time", "+9d 12:00")
    log.apply(url)
    request = explain(url, "O1:request:1")
    assert isinstance(request, RequestExplained)
    assert request.closed is not None
    cause = request.closed.cause
    assert isinstance(cause, Passed)
    assert cause.number == Number("cancellation.seller_answer_hours", 48) == request.answer_within
    assert (cause.rule, cause.recorded_with and cause.recorded_with.command_id) == ("SELLER-2", "c-3")
    assert "ended unanswered on Wednesday 7 January 2026 at 11:00 UTC, 48 hours after you asked" in letter(request)


def test_order_0_a_deadline_recorded_by_a_command_under_a_used_id_leads_to_that_one(log: Log, url: str) -> None:
    log.place({"A": 500}, seller_id="M1", fulfilled_by="seller")
    log.add("request-cancellation", "+1d 11:00", command_id="c-1", order_id="O1", items="all")
    log.apply(url)
    history = explain(url, "O1")
    assert isinstance(history, OrderExplained)
    closed = history.history[1]
    assert isinstance(closed, Step)
    assert isinstance(closed.cause, Passed)
    assert closed.cause.recorded_with is not None
    assert (closed.cause.recorded_with.command, closed.cause.recorded_with.status) == (
        "request-cancellation",
        "rejected",
    )


def test_partial_1_a_refund_that_waits_says_for_what_and_until_when(log: Log, url: str) -> None:
    log.place({"A": 2000, "B": 3000})
    log.add("cancel-items", "10:10", order_id="O1", items={"A": 1})
    log.apply(url)
    refund = refund_of(url)
    assert refund.deferral is not None
    assert (refund.deferral.waiting, refund.deferral.released) == ({"B": [1]}, None)
    assert "goes to your credit card, when the refund falls due (PARTIAL-1)" in letter(refund)
    later = Log()
    later.add("pass-time", "+31d 10:00", command_id="tick")
    later.apply(url)
    refund = refund_of(url)
    assert refund.deferral is not None
    assert refund.deferral.released is not None
    assert isinstance(refund.deferral.released.cause, Passed)
    assert "fell due on Wednesday 4 February 2026 at 10:10 UTC, 30 days after it was made (PARTIAL-1)" in letter(refund)


def test_lost_1_the_terms_that_the_orders_of_a_parcel_share_are_the_number(log: Log, url: str, tmp_path: Path) -> None:
    sooner = tmp_path / "sooner.toml"
    sooner.write_text(
        default_policy_toml()
        .replace('version = "1"', 'version = "sooner"')
        .replace("lost_after_dispatch_days = 45", "lost_after_dispatch_days = 20")
    )
    log.place({"A": 500})
    log.apply(url)
    other = Log()
    other.place({"A": 700}, order_id="O2", command_id="other")
    other.send("11:00", orders=("O1", "O2"), command_id="sent")
    other.add("pass-time", "+30d 10:00", command_id="tick")
    other.apply(url, sooner)
    refund = refund_of(url)
    assert refund.order.policy_version == "1"
    assert Number("carriage.lost_after_dispatch_days", 20, parcel="S1") in refund.numbers
    said = letter(refund)
    after = "20 days after leaving, which is the time for all orders in its parcel (LOST-1)"
    assert f"taken as lost on Sunday 25 January 2026 at 11:00 UTC, {after}" in said
    own, _, of_parcel = said.partition("# The numbers of parcel S1, whose orders have different policies\n")
    assert of_parcel == "- carriage.lost_after_dispatch_days = 20\n"
    assert "lost_after_dispatch_days" not in own, "policy 1 says 45"


def test_attempts_in_vain_are_told_where_they_name_it(log: Log, url: str) -> None:
    two_payments(log)
    log.add("submit-payout", "10:30", refund_id="O1:refund:1", payment_id="P9")
    log.apply(url)
    tried = "The marketplace tried on Monday 5 January 2026 at 10:30 UTC to start the payment of refund O1:refund:1"
    assert f"- {tried}; it was refused, because no such payment was due (REFUND-5)." in letter(refund_of(url))
    assert "What was tried in vain" not in letter(refund_of(url, "O1:refund:2"))


# --- the arithmetic ---------------------------------------------------------------------------------------------------


def test_return_2_opened_units_are_each_rounded_down(log: Log, url: str) -> None:
    log.place({"A": {"quantity": 3, "unit_price": 333, "discount": 1}})
    log.send("12:00")
    log.add("deliver", "14:00", shipment_id="S1")
    log.add("start-return", "+1d 10:00", order_id="O1", items="all", reason="other", refund_to="store-credit")
    came = [{"item_id": "A", "quantity": n, "condition": how} for n, how in ((2, "opened"), (1, "unopened"))]
    log.add("receive-return", "+4d 10:00", return_id="O1:return:1", received=came)
    log.apply(url)
    refund = refund_of(url)
    assert refund.restocking is not None
    assert [(kept.units, kept.each) for kept in refund.restocking.kept] == [([1], 166), ([2], 166)]
    said = letter(refund)
    assert "- A, unit 1 of 3: price 3.33 - discount 0.01 = 3.32 USD.\n" in said
    assert "- A, units 2 and 3 of 3: each price 3.33 = 3.33 USD" not in said
    assert "- A, units 2 and 3 of 3: each price 3.33 USD, 2 × 3.33 = 6.66 USD.\n" in said
    assert "- Refund: 9.98 - 3.32 = 6.66 USD.\n" in said
    assert "You chose store credit for this return, so all of it goes there (RETURN-3)." in said


def test_return_3_what_the_first_refund_of_a_return_bore_is_not_kept_again(log: Log, url: str) -> None:
    log.place({"A": {"quantity": 2, "unit_price": 300}, "B": 4000})
    log.send("12:00")
    log.add("deliver", "14:00", shipment_id="S1")
    log.add("start-return", "+1d 10:00", order_id="O1", items="all", reason="changed-mind")
    for day, item_id in ((4, "A"), (5, "B")):
        came = [{"item_id": item_id, "quantity": 1, "condition": "unopened"}]
        log.add("receive-return", f"+{day}d 10:00", return_id="O1:return:1", received=came)
    log.apply(url)
    first, second = refund_of(url), refund_of(url, "O1:refund:2")
    assert (first.amount, second.amount) == (0, 3800)
    assert "which costs 5.00 USD, and no more than is left: 3.00 USD (RETURN-3)" in letter(first)
    assert "- There is nothing to pay.\n" in letter(first)
    assert "which costs 5.00 USD, of which 3.00 USD was kept before: 2.00 USD (RETURN-3)" in letter(second)


def test_refuse_2_the_fee_of_a_refused_parcel_is_named(log: Log, url: str, tmp_path: Path) -> None:
    fees = tmp_path / "fees.toml"
    fees.write_text(default_policy_toml().replace("fee_minor = {}", "fee_minor = { USD = 300 }"))
    log.place({"A": 2000})
    log.send("12:00", mail_class="parcel", carrier=POST)
    log.add("refuse-delivery", "14:00", shipment_id="S1")
    log.add("receive-return", "+3d 10:00", shipment_id="S1")
    log.apply(url, fees)
    refund = refund_of(url)
    assert refund.return_shipping is not None
    assert refund.return_shipping.cost == Number("refusal.fee_minor.USD", 300)
    assert "Kept for the way back of the refused parcel, which costs 3.00 USD: 3.00 USD (REFUSE-2)" in letter(refund)


def test_return_1_a_category_has_its_own_window(log: Log, url: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    shorter = "category_window_days = { electronics = 14 }"
    policy.write_text(default_policy_toml().replace("category_window_days = {}", shorter))
    log.place({"A": {"unit_price": 500, "category": "electronics"}, "B": 700})
    log.send("12:00")
    log.add("deliver", "14:00", shipment_id="S1")
    log.add("start-return", "+1d 10:00", order_id="O1", items="all", reason="damaged")
    log.apply(url, policy)
    found = explain(url, "O1:return:1")
    assert isinstance(found, ReturnExplained)
    assert [(window.item_id, window.number) for window in found.windows] == [
        ("A", Number("returns.category_window_days.electronics", 14)),
        ("B", Number("returns.window_days", 30)),
    ]
    assert found.doubts == []


@pytest.mark.parametrize("letter_of_ground", "abcd")
def test_claim_1_each_ground_says_which_time_had_passed(letter_of_ground: str, log: Log, url: str) -> None:
    log.place({"A": 2000}, seller_id="M1", fulfilled_by="seller")
    said = {
        "a": "your request O1:request:1 was not answered by Wednesday 7 January 2026 at 11:00 UTC, 48 hours after",
        "b": "not delivered by Wednesday 4 February 2026 at 10:00 UTC, 30 days after the order was placed",
        "c": "return O1:return:1 was not received by Thursday 22 January 2026 at 10:00 UTC, 15 days after",
        "d": "refund O1:refund:1 was not paid by Monday 12 January 2026 at 10:10 UTC, the time promised",
    }[letter_of_ground]
    if letter_of_ground == "a":
        log.add("request-cancellation", "11:00", order_id="O1", items="all")
    elif letter_of_ground == "c":
        log.send("12:00")
        log.add("deliver", "+1d 10:00", shipment_id="S1")
        log.add("start-return", "+1d 11:00", order_id="O1", items="all", reason="late")
        log.add("hand-over-return", "+2d 10:00", return_id="O1:return:1")
    elif letter_of_ground == "d":
        log.add("cancel-items", "10:10", order_id="O1", items="all")
    log.add("file-claim", "+31d 10:00", order_id="O1", items="all")
    log.apply(url)
    claim = explain(url, "O1:claim:1")
    assert isinstance(claim, ClaimExplained)
    assert letter_of_ground in [ground.letter for ground in claim.grounds]
    assert claim.doubts == []
    assert f"1 × A: {said}" in letter(claim)


def test_an_altered_amount_does_not_add_up_and_the_sentence_says_so(log: Log, url: str) -> None:
    changed_mind(log)
    log.apply(url)
    with closing(sqlite3.connect(url)) as store, store:
        store.execute(
            "UPDATE stored_events SET state = CAST(replace(state, '\"amount\":2500', '\"amount\":2600') AS BLOB)"
            " WHERE topic = 'refund-owed'"
        )
    done = ordertrail("audit", "explain", "O1:refund:1", "--store", url)
    assert done.returncode == 1
    assert "Of O1:refund:1, amount is recorded as 2600, and reckoned 2500." in done.stdout.decode()


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_prints_words_and_json(log: Log, url: str) -> None:
    split_cents(log)
    log.apply(url)
    done = ordertrail("audit", "explain", "O1:refund:2", "--store", url)
    said = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "- Together: 3.83 + 3.82 = 7.65 USD.\n" in said
    assert max(map(len, said.splitlines())) <= 120
    done = ordertrail("audit", "explain", "O1:refund:2", "--json", "--store", url)
    told = json.loads(done.stdout)
    assert (told["kind"], told["id"], told["amount"], told["due_at"]) == (
        "refund",
        "O1:refund:2",
        765,
        "2026-01-05T10:20:00Z",
    )
    assert [(part["units"], part["value"], part["total"]) for part in told["worth"]] == [
        ([2], 383, 383),
        ([3], 382, 382),
    ]
    assert told["numbers"] == [{"name": "promises.credit-card.business_days", "value": 5}]
    assert told["owed"]["cause"]["by"] == "command"


def test_an_unknown_id_ends_with_status_2_and_a_store_that_is_not_there_with_3(log: Log, url: str) -> None:
    friday(log)
    log.apply(url)
    done = ordertrail("audit", "explain", "O9", "--store", url)
    failed_in_one_sentence(done.returncode, done.stderr, "O9", expected=2)
    done = ordertrail("audit", "explain", "O9", "--store", f"{url}.nowhere")
    failed_in_one_sentence(done.returncode, done.stderr, "there is no store", expected=3)


def test_explaining_changes_nothing(log: Log, url: str) -> None:
    claim_over_an_unpaid_refund(log)
    log.apply(url)
    before = rows(f"sqlite:///{url}")
    explain(url, "O1")
    assert rows(f"sqlite:///{url}") == before
