"""Amounts as programs read them: exact, in the currency's own digits, without separators."""

from ...domain.money import in_major_units


def number(minor: int, currency: str) -> str:
    """1148 USD is `11.48`, -1148 JPY `-1148`, 1148 KWD `1.148`."""
    return in_major_units(minor, currency).removesuffix(f" {currency}").replace(",", "")
