"""Where the money of the simulated orders is, as their own records tell it: came in, kept, paid back, owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WITH_REFUND = {"cancelled", "returned", "lost", "refunded"}  # a unit in one of these states has its refund


@dataclass
class Account:
    """Minor units of one currency. `kept` is counted from the goods and the deductions, never from the other three."""

    came_in: int = 0
    kept: int = 0
    refunded: int = 0
    owed: int = 0

    @property
    def adds_up(self) -> bool:
        return self.came_in == self.kept + self.refunded + self.owed

    def add(self, order: dict[str, Any]) -> None:
        """Count one order as `show` tells it."""
        self.came_in += order["total"]
        units = [group for item in order["items"] for group in item["units"]]
        self.kept += sum(group["value"] for group in units if group["state"] not in WITH_REFUND)
        for refund in order["refunds"]:
            deducted = sum(deduction["amount"] for deduction in refund["deductions"])
            paid = sum(payout["amount"] for payout in refund["payouts"] if payout["status"] == "paid")
            self.kept += deducted
            self.refunded += paid
            self.owed += refund["amount"] - paid
            if refund["cause"] == "claim" and refund["status"] != "paid":
                self.kept -= refund["amount"] + deducted  # granted, but its units are still wherever they were


def accounts(orders: list[dict[str, Any]]) -> dict[str, Account]:
    """One account a currency, in the order of the currencies' names."""
    result: dict[str, Account] = {currency: Account() for currency in sorted({o["currency"] for o in orders})}
    for order in orders:
        result[order["currency"]].add(order)
    return result
