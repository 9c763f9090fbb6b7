"""A life as a log of commands, and the letter that explains something of it."""

import json
from pathlib import Path
from typing import Any

from book import when
from ordertrail.application import Orders
from ordertrail.application.audit.explain import Explanation, in_words

VANS = {"name": "vans", "kind": "own"}


class Log:
    """Commands of a life, each at its time; their ids count from c-1."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def add(self, command: str, at: str, **fields: Any) -> None:
        raw = {"command": command, "command_id": f"c-{len(self.lines) + 1}", "at": when(at)} | fields
        self.lines.append(json.dumps(raw).encode())

    def place(self, items: dict[str, Any], *, at: str = "10:00", order_id: str = "O1", **fields: Any) -> None:
        """An order of the buyer ben, paid by credit card unless ``payments`` says otherwise."""
        lines = [
            {"item_id": i, "sku": f"sku-{i}", "quantity": 1}
            | (line if isinstance(line, dict) else {"unit_price": line})
            for i, line in items.items()
        ]
        total = sum(x["unit_price"] * x["quantity"] + x.get("tax", 0) + x.get("shipping", 0) - x.get("discount", 0)
                    for x in lines)  # fmt: skip
        card = [{"payment_id": "P1", "method": "credit-card", "amount": total}]
        told = {"order_id": order_id, "buyer_id": "ben", "currency": "USD", "fulfilled_by": "marketplace"}
        self.add("place-order", at, items=lines, **(told | {"payments": card} | fields))

    def send(self, at: str, shipment_id: str = "S1", orders: tuple[str, ...] = ("O1",), **fields: Any) -> None:
        contents = [{"order_id": order_id, "items": "all"} for order_id in orders]
        packed = {"shipment_id": shipment_id, "contents": contents, "carrier": VANS}
        self.add("dispatch-shipment", at, **(packed | fields))

    def apply(self, url: str, policy: Path | None = None) -> None:
        with Orders.open(url, policy=policy) as orders:
            answers = [result.status for result in orders.run(self.lines)]
        assert "invalid" not in answers


def letter(explanation: Explanation) -> str:
    """The words, with the texts of rules cut short."""
    text = ""
    for section in in_words(explanation):
        lines = [line.partition(":")[0] if section.title == "The rules" else line for line in section.lines]
        text += "\n".join([f"# {section.title}", *section.paragraphs, *(f"- {line}" for line in lines)]) + "\n\n"
    return text.rstrip("\n") + "\n"
