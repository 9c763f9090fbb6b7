"""A world without a database, for rule tests: commands in, results out, everything in dicts.

It keeps events in lists and folds them afresh for every command, and answers repeats from its own small journal.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from ordertrail.application.results import decided, invalid, repeated
from ordertrail.application.views import order_view, shipment_view
from ordertrail.domain import (
    Case,
    Malformed,
    Order,
    Outcome,
    Policy,
    Shipment,
    canonical,
    decide,
    decode,
    default_policy_toml,
    encode,
    fold,
    fold_shipment,
    next_deadline,
    options,
    parse,
    same_content,
)

DAY = datetime(2026, 1, 5, tzinfo=UTC)


def when(text: str) -> str:
    """``10:00`` or ``10:00:00.001`` is that day (2026-01-05, UTC), ``+3d 10:00`` days after it; RFC 3339 stays."""
    if "T" in text:
        return text
    days, _, clock = text.rpartition("d ")
    day = DAY + timedelta(days=int(days.removeprefix("+")) if days else 0)
    return f"{day:%Y-%m-%d}T{clock if clock.count(':') == 2 else clock + ':00'}Z"


class Streams:
    """The aggregates, folded from lists of stored events."""

    def __init__(self, book: "Book") -> None:
        self.book = book

    def order(self, order_id: str) -> Order | None:
        order = fold(map(decode, self.book.stored[f"order:{order_id}"]))
        if order is not None:
            order.policy = self.book.policies[order.policy_version]
        return order

    def shipment(self, shipment_id: str) -> Shipment | None:
        return fold_shipment(map(decode, self.book.stored[f"shipment:{shipment_id}"]))

    def due(self, before: datetime) -> list[str]:
        return [order_id for order_id, at in sorted(self.book.due.items()) if at < before]


class Book:
    """See the module; ``policy`` is TOML text."""

    def __init__(self, policy: str | None = None) -> None:
        self.stored: dict[str, list[bytes]] = defaultdict(list)
        self.due: dict[str, datetime] = {}
        self.journal: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.policies: dict[str, Policy] = {}
        self.commands = 0
        self.use_policy(policy or default_policy_toml())

    def use_policy(self, toml: str) -> None:
        """New orders are placed under this policy from now on."""
        self.policy = Policy.from_toml(toml)
        self.policies[self.policy.version] = self.policy

    def run(self, command: str, **fields: Any) -> dict[str, Any]:
        """Run a command; the result as `run` prints it."""
        self.commands += 1
        fields.setdefault("command_id", f"c-{self.commands}")
        if isinstance(fields.get("at"), str):
            fields["at"] = when(fields["at"])
        return self.run_raw({"command": command, **fields})

    def run_raw(self, raw: Any) -> dict[str, Any]:
        """Run a command as it stands in a log."""
        try:
            parsed = parse(raw)
            if parsed.at is None:
                raise Malformed("at", "is missing")
        except Malformed as error:
            return invalid(raw, error).to_dict()
        content = canonical(parsed)
        if parsed.command_id in self.journal:
            earlier, first = self.journal[parsed.command_id]
            if same_content(earlier, content):
                return repeated(parsed, json.dumps(first).encode()).to_dict()
        case = Case(
            Streams(self),
            parsed,
            policy=self.policy,
            at=parsed.at,
            recorded_at=parsed.at,
            actor=parsed.actor,
            actor_id=parsed.actor_id,
        )
        outcome = decide(case, parsed, reused=parsed.command_id in self.journal)
        self._keep(outcome, case)
        result = decided(parsed, outcome).to_dict()
        self.journal.setdefault(parsed.command_id, (content, result))
        return result

    def _keep(self, outcome: Outcome, case: Case) -> None:
        for event in outcome.events:
            stream = self.stored[event.stream]
            assert event.version == len(stream) + 1, "versions have no gap"
            stream.append(encode(event))
        for order_id, order in case.orders.items():
            self.due.pop(order_id, None)
            if (deadline := next_deadline(order)) is not None:
                self.due[order_id] = deadline.at

    # --- looking ---

    def order(self, order_id: str) -> Order:
        order = Streams(self).order(order_id)
        assert order is not None
        return order

    def show(self, order_id: str) -> dict[str, Any]:
        return order_view(self.order(order_id))

    def options(self, order_id: str, *, at: str) -> dict[str, Any]:
        moment = datetime.fromisoformat(when(at))
        return options(lambda: Streams(self), order_id, moment, self.policy)

    def shipment(self, shipment_id: str) -> dict[str, Any]:
        shipment = Streams(self).shipment(shipment_id)
        assert shipment is not None
        return shipment_view(shipment)

    def events(self, order_id: str) -> list[dict[str, Any]]:
        return [json.loads(state) for state in self.stored[f"order:{order_id}"]]

    def states(self, order_id: str) -> dict[str, list[str]]:
        order = self.order(order_id)
        return {item_id: [unit.state for unit in order.units_of(item_id)] for item_id in order.items}

    # --- short cuts ---

    def accept(self, command: str, **fields: Any) -> dict[str, Any]:
        result = self.run(command, **fields)
        assert result["status"] == "accepted", result
        return result

    def reject(self, command: str, rule: str, **fields: Any) -> dict[str, Any]:
        result = self.run(command, **fields)
        assert (result["status"], result.get("rule")) == ("rejected", rule), result
        return result

    def place(
        self,
        order_id: str,
        items: dict[str, Any],
        at: str = "10:00",
        *,
        seller: str | None = None,
        fulfilled_by: str = "marketplace",
        buyer: str = "B1",
        payments: list[dict[str, Any]] | None = None,
        currency: str = "USD",
        **fields: Any,
    ) -> dict[str, Any]:
        lines = [
            {"item_id": item_id, "sku": f"sku-{item_id}", "quantity": 1}
            | ({"unit_price": line} if isinstance(line, int) else line)
            for item_id, line in items.items()
        ]
        total = sum(
            line["unit_price"] * line["quantity"]
            + line.get("tax", 0)
            + line.get("shipping", 0)
            - line.get("discount", 0)
            for line in lines
        )
        if payments is None:
            payments = [{"payment_id": "P1", "method": "credit-card", "amount": total}] if total else []
        if seller is not None:
            fields["seller_id"] = seller
        return self.accept(
            "place-order",
            at=at,
            order_id=order_id,
            buyer_id=buyer,
            fulfilled_by=fulfilled_by,
            currency=currency,
            items=lines,
            payments=payments,
            **fields,
        )

    def ship(
        self,
        shipment_id: str,
        contents: dict[str, Any],
        at: str,
        *,
        kind: str = "partner",
        mail_class: str | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        return self.accept(
            "dispatch-shipment",
            at=at,
            shipment_id=shipment_id,
            contents=[{"order_id": order_id, "items": items} for order_id, items in contents.items()],
            carrier={"name": "vans" if kind == "own" else "post", "kind": kind},
            mail_class=mail_class,
            **fields,
        )
