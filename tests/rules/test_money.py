"""Amounts as people read them: whole minor units in the currency's own digits."""

import pytest

from ordertrail.domain.money import in_major_units


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (5148, "USD", "51.48 USD"),
        (5, "USD", "0.05 USD"),
        (0, "EUR", "0.00 EUR"),
        (-383, "USD", "-3.83 USD"),
        (1148, "JPY", "1,148 JPY"),
        (1234567, "KWD", "1,234.567 KWD"),
        (-1, "UYW", "-0.0001 UYW"),
        (10**12, "USD", "10,000,000,000.00 USD"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(amount, currency, words):
    assert in_major_units(amount, currency) == words
