"""Amounts in lists for people: spelled as the user's locale spells money, with the currency's ISO code and digits.

What the digits are, `domain.money` says; how signs, groups and the code are set, the CLDR, through Babel. No float.
"""

from __future__ import annotations

import os
from decimal import Context, Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, format_currency, parse_pattern

from ..domain.money import CURRENCIES

FALLBACK = "en_US"
VARIABLES = ("LC_ALL", "LC_MONETARY", "LANG")
"""The first that is not empty decides, as POSIX has it."""
EXACT = Context(prec=60)
_PLAIN = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u200e": None, "\u200f": None})
"""Blanks that never break, and marks of direction: a table keeps its cells whole, and can be searched."""


def amount(minor: int, currency: str) -> str:
    """Minor units in the user's locale: 1148 USD is `USD 11.48`, 1148 JPY `JPY 1,148`, 1148 KWD `KWD 1.148`."""
    return localized(minor, currency, user_locale())


def figure(minor: int, currency: str) -> str:
    """As `amount`, where the currency stands beside it."""
    return " ".join(amount(minor, currency).replace(currency, " ").split())


@cache
def user_locale() -> Locale:
    """The locale that the environment names; `en_US` for C, POSIX, nothing, and what nobody knows."""
    named = next((value for value in map(os.environ.get, VARIABLES) if value), FALLBACK)
    try:
        return Locale.parse(named.partition(".")[0].partition("@")[0])
    except (UnknownLocaleError, ValueError):
        return Locale.parse(FALLBACK)


def localized(minor: int, currency: str, locale: Locale) -> str:
    """As `amount`, in this locale."""
    exact = Decimal(minor).scaleb(-CURRENCIES[currency], EXACT)
    pattern = _pattern(currency, locale)
    text: str = format_currency(exact, currency, format=pattern, locale=locale, currency_digits=False)
    return text.translate(_PLAIN)


@cache
def _pattern(currency: str, locale: Locale) -> NumberPattern:
    """The locale's own, with the ISO code (a blank between it and the digits) and the currency's digits."""
    standard: str = locale.currency_formats["standard"].pattern.translate(_PLAIN)
    # `¤¤` stands for the code: where a symbol may touch the digits, a code may not.
    pattern = parse_pattern(";".join(" ".join(part.replace("¤", " ¤¤ ").split()) for part in standard.split(";")))
    pattern.frac_prec = (CURRENCIES[currency], CURRENCIES[currency])
    return pattern
