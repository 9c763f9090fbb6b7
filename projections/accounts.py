"""The ledger's account names, as Beancount spells them (RULEBOOK section 11)."""

import re
from functools import lru_cache

ORDERS_OF_MARKETPLACE = "Liabilities:Orders:Marketplace"
TAX = "Liabilities:Tax"
DUE = "Liabilities:Refunds:Due"
DEFERRED = "Liabilities:Refunds:Deferred"
SUSPENSE = "Assets:Suspense:Refunds"
FEES = {"restocking": "Income:Fees:Restocking", "return-shipping": "Income:Fees:Return-Shipping"}

_LIABILITIES = {"gift-card": "Liabilities:Gift-Cards", "store-credit": "Liabilities:Store-Credit"}
_SPELLABLE = re.compile(r"[A-Z0-9][A-Za-z0-9-]*")
_ESCAPED = "X-"
_PLAIN = re.compile(r"[A-Za-z0-9]")


@lru_cache(10_000)
def of_seller(seller_id: str | None) -> str:
    """Where the buyers' money for a seller's goods is; for the marketplace's own without a seller."""
    return ORDERS_OF_MARKETPLACE if seller_id is None else f"Liabilities:Orders:Sellers:{spelled(seller_id)}"


@lru_cache(1_000)
def of_payment(method: str) -> str:
    """Where money of a payment method comes from and goes back to."""
    if method in _LIABILITIES:
        return _LIABILITIES[method]
    return "Assets:Payments:" + spelled("-".join(part[:1].upper() + part[1:] for part in method.split("-")))


def spelled(its_id: str) -> str:
    """An id as a part of an account's name; two ids are never spelled the same.

    What Beancount cannot spell begins with ``X-``, and every character but letters and digits is its hexadecimal code
    point between dashes: ``v 1`` is ``X-v-20-1``. An id that looks like that itself is escaped too.
    """
    if _SPELLABLE.fullmatch(its_id) and not its_id.startswith(_ESCAPED):
        return its_id
    return _ESCAPED + "".join(c if _PLAIN.fullmatch(c) else f"-{ord(c):x}-" for c in its_id)
