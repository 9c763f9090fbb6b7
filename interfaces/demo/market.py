"""Who buys what from whom: the people, goods and payments of the simulated marketplace.

Knows nothing of time or of what becomes of an order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from ...application import Principal

CARRIER = Principal("carrier")
MARKETPLACE = Principal("marketplace")
SYSTEM = Principal("system")
WAREHOUSE = Principal("warehouse")

# sku, title, category, price in US cents (a euro costs the same, a yen price is made from it)
CATALOGUE = [
    ("BK-ATLAS", "Atlas of quiet places", "books", 3499),
    ("BK-TRAIL", "Long trails, short walks", "books", 1899),
    ("KT-KETTLE", "Enamel kettle", "kitchen", 4250),
    ("KT-KNIFE", "Paring knife", "kitchen", 1299),
    ("KT-MUG", "Stoneware mug", "kitchen", 1650),
    ("HM-LAMP", "Reading lamp", "home", 5999),
    ("HM-THROW", "Wool throw", "home", 7400),
    ("TL-DRILL", "Cordless drill", "tools", 11999),
    ("TL-BITS", "Drill bits, set of 19", "tools", 2333),
    ("TY-BLOCKS", "Maple blocks", "toys", 2799),
    ("OD-BOTTLE", "Steel bottle", "outdoor", 2195),
    ("OD-TENT", "Two-person tent", "outdoor", 18950),
]
SELLERS = ["alder-books", "brightworks", "copper-pan", "dovetail", "eastwind"]
CURRENCIES = {"USD": 60, "EUR": 28, "JPY": 12}
CARD_METHODS = {"credit-card": 65, "debit-card": 20, "bank-transfer": 15}


@dataclass(frozen=True)
class Case:
    """One order as its buyer thinks of it; `gateway` is how the money of its refunds will travel."""

    order_id: str
    buyer_id: str
    seller_id: str | None
    fulfilled_by: str
    currency: str
    lines: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    life: str
    gateway: str = "pays"
    quantities: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantities", {line["item_id"]: line["quantity"] for line in self.lines})

    @property
    def buyer(self) -> Principal:
        return Principal("buyer", self.buyer_id)

    @property
    def fulfiller(self) -> Principal:
        """Who packs, receives, and answers for goods that have not left."""
        return Principal("seller", self.seller_id) if self.fulfilled_by == "seller" else WAREHOUSE

    def placing(self) -> dict[str, Any]:
        """The fields of its `place-order` command."""
        return {
            "order_id": self.order_id,
            "buyer_id": self.buyer_id,
            "seller_id": self.seller_id,
            "fulfilled_by": self.fulfilled_by,
            "currency": self.currency,
            "items": self.lines,
            "payments": self.payments,
        }


class Market:
    """Draws orders from a seeded source; the same draws give the same orders."""

    def __init__(self, random: Random, buyers: int) -> None:
        self.random = random
        self.buyers = buyers
        self.drawn = 0

    def draw(self, life: str, *, fulfilled_by: str, lines: int, gateway: str, like: Case | None = None) -> Case:
        """A new order of at least `lines` items; `like` another one, it could share that one's parcel."""
        random = self.random
        self.drawn += 1
        buyer_id = f"B-{random.randint(1, self.buyers):04}"
        sold_by_seller = fulfilled_by == "seller" or random.random() < 0.25
        seller_id = random.choice(SELLERS) if sold_by_seller else None
        currency = random.choices(list(CURRENCIES), list(CURRENCIES.values()))[0]
        if like is not None:
            buyer_id, seller_id, currency = like.buyer_id, like.seller_id, like.currency
        goods = self._lines(currency, max(lines, random.choices([1, 2, 3, 4], [55, 25, 14, 6])[0]))
        return Case(
            order_id=f"D-{1000 + self.drawn}",
            buyer_id=buyer_id,
            seller_id=seller_id,
            fulfilled_by=fulfilled_by,
            currency=currency,
            lines=goods,
            payments=self._payments(sum(map(_line_total, goods))),
            life=life,
            gateway=gateway,
        )

    def _lines(self, currency: str, count: int) -> list[dict[str, Any]]:
        lines = []
        for item_id, (sku, title, category, price) in zip("ABCDEF", self.random.sample(CATALOGUE, count), strict=False):
            quantity = self.random.choices([1, 2, 3], [70, 20, 10])[0]
            unit_price = price * 3 // 20 * 10 if currency == "JPY" else price
            goods = unit_price * quantity
            line: dict[str, Any] = {
                "item_id": item_id,
                "sku": sku,
                "title": title,
                "category": category,
                "quantity": quantity,
                "unit_price": unit_price,
                "tax": goods * 8 // 100,
                "shipping": self.random.choice([0, 0, unit_price // 8]),
            }
            if self.random.random() < 0.15:
                line["discount"] = goods // 10
            lines.append(line)
        return lines

    def _payments(self, total: int) -> list[dict[str, Any]]:
        method = self.random.choices(list(CARD_METHODS), list(CARD_METHODS.values()))[0]
        payments = [{"payment_id": "P1", "method": method, "amount": total}]
        if total > 100 and self.random.random() < 0.2:
            gift = total * self.random.randint(20, 60) // 100
            payments = [
                {"payment_id": "P1", "method": "gift-card", "amount": gift},
                {"payment_id": "P2", "method": method, "amount": total - gift},
            ]
        return payments


def _line_total(line: dict[str, Any]) -> int:
    goods = int(line["unit_price"]) * int(line["quantity"])
    return goods + int(line["tax"]) + int(line["shipping"]) - int(line.get("discount", 0))
