"""CLAIM-3: a claim that was denied or withdrawn changes nothing else and uses its grounds up."""

import pytest

from claimed_orders import claim, refuse_claim, request, seller_order


def close(book, ending, at):
    if ending == "denied":
        book.accept("decide-claim", claim_id="O1:claim:1", approve=False, at=at)
    else:
        book.accept("withdraw-claim", claim_id="O1:claim:1", at=at)
    assert book.show("O1")["claims"][0]["status"] == ending


@pytest.mark.parametrize("ending", ["denied", "withdrawn"])
def test_claim_3_the_same_ground_is_not_claimed_again_after_a_denial_or_a_withdrawal(ending):
    book = seller_order()
    claim(book, "+31d 10:00")
    before = book.states("O1"), book.show("O1")["refunds"]
    close(book, ending, "+32d 10:00")
    assert (book.states("O1"), book.show("O1")["refunds"]) == before
    refuse_claim(book, "+33d 10:00", rule="CLAIM-3")
    refuse_claim(book, "+33d 10:00", {"A": 1}, rule="CLAIM-3")


@pytest.mark.parametrize("ending", ["denied", "withdrawn"])
def test_claim_3_another_ground_may_still_be_claimed(ending):
    book = seller_order()
    request(book, "11:00")
    claim(book, "+3d 10:00")
    close(book, ending, "+4d 10:00")
    refuse_claim(book, "+5d 10:00", rule="CLAIM-3")
    claim(book, "+31d 10:00")


def test_claim_3_a_denied_claim_uses_up_all_the_grounds_that_held_when_it_was_filed():
    book = seller_order()
    request(book, "11:00")
    claim(book, "+31d 10:00")
    close(book, "denied", "+32d 10:00")
    refuse_claim(book, "+33d 10:00", rule="CLAIM-3")


def test_claim_3_a_second_request_that_stayed_unanswered_is_another_ground():
    book = seller_order()
    request(book, "11:00")
    claim(book, "+3d 10:00")
    close(book, "denied", "+4d 10:00")
    request(book, "+5d 10:00")
    refuse_claim(book, "+7d 10:00", rule="CLAIM-3")
    claim(book, "+7d 10:00:00.001")


def test_claim_3_the_ground_of_one_unit_is_not_the_ground_of_another():
    book = seller_order({"A": {"quantity": 2, "unit_price": 2000}})
    claim(book, "+31d 10:00", {"A": 1})
    close(book, "denied", "+32d 10:00")
    claim(book, "+33d 10:00", {"A": 1})


@pytest.mark.parametrize("ending", ["denied", "withdrawn", "granted"])
def test_order_5_a_claim_that_is_closed_is_neither_decided_nor_withdrawn(ending):
    book = seller_order()
    claim(book, "+31d 10:00")
    if ending == "granted":
        book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+32d 10:00")
    else:
        close(book, ending, "+32d 10:00")
    book.reject("decide-claim", "ORDER-5", claim_id="O1:claim:1", approve=True, at="+33d 10:00")
    book.reject("withdraw-claim", "ORDER-5", claim_id="O1:claim:1", at="+33d 10:00")
