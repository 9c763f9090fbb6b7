"""Answers for people: what a command would do (`preview`), and what a buyer can do (`options`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from ..domain.money import in_major_units
from .cells import NOTHING, facts, moment, quantities, state, table

Answer = dict[str, Any]
"""A result of `run`, or what `options --json` prints, or a part of one."""

CERTAINTIES = {"immediate": "at once", "needs-approval": "if approved", "not-guaranteed": "not guaranteed"}
STARTS = {"start-return": "starts at once", "refuse-delivery": "at the door"}
"""What `immediate` means of an action that only begins something."""
WAIT = "wait"
"""The advice that is no command."""
WHENS = {"due": "due at once", "on-receipt": "when received", "deferred": "deferred"}


def outcome(result: Answer) -> Iterator[Table]:
    """The parts of `preview`: the verdict, the events, what would go along."""
    first, advice = result.get("first"), result.get("advice")
    pairs: list[tuple[str, str | Text]] = [
        ("command", " ".join(str(result[k]) for k in ("command", "command_id") if result.get(k))),
        ("would be", state(result["status"])),
        ("answered", f"{first['status']}, the first time" if first else ""),
        ("rule", result.get("rule") or ""),
        ("because", result.get("reason") or ""),
        ("try instead" if advice != WAIT else "advice", _advised(advice) if advice else ""),
        ("orders", ", ".join(result.get("order_ids") or ())),
        ("idempotency key", result.get("idempotency_key") or ""),
    ]
    yield facts((name, value) for name, value in pairs if value)
    if events := result.get("events"):
        made = table("Events", "event", "order", "version", "rule", right=["version"])
        for event in events:
            made.add_row(
                event["type"], event.get("order_id") or "", str(event.get("version", "")), event.get("rule") or ""
            )
        yield made
    if cascade := result.get("cascade"):
        made = table("Would go along (accept_cascade)", "order", "item", "units", right=["units"])
        for units in cascade:
            made.add_row(units["order_id"], units["item_id"], str(units["quantity"]))
        yield made


def _advised(advice: str) -> str:
    """The command that may help instead; `wait` is none."""
    return "nothing to do but wait" if advice == WAIT else advice


def options_tables(answer: Answer, currency: str, latest_at: datetime) -> Iterator[Table]:
    """The parts of `options`: each action with yes or no, until when, with what refund; why; what would go along.

    `latest_at` is when the latest of the order's events happened.
    """
    title = f"Order {answer['order_id']}, {answer['state']}, at {moment(answer['at'])}"
    made = table(title, "action", "", "items", "until", "refund", "why")
    for option in answer["options"]:
        yes = option["allowed"]
        made.add_row(
            option["action"],
            Text("✓ yes", "bold green") if yes else Text("✗ no", "red"),
            quantities(option.get("items") or {}) if yes else NOTHING,
            moment(option.get("until")) if yes else NOTHING,
            _refund(option, currency) if yes else NOTHING,
            _why(option),
        )
    yield made
    if datetime.fromisoformat(answer["at"]) < latest_at:
        note = f"judged on what is recorded by now: the order's latest event happened at {moment(latest_at)}"
        yield facts([("note", note)])


def _refund(option: Answer, currency: str) -> str:
    """What the buyer would get, and when."""
    refund = option.get("refund")
    if refund is None:
        return NOTHING
    when = WHENS[refund["when"]]
    if refund["when"] == "due" and option["outcome"] != "immediate":
        when = "due once granted" if option["action"] == "file-claim" else "due once approved"
    return f"{in_major_units(refund['amount'], currency)}, {when}"


def _why(option: Answer) -> str:
    """The rule, and its reason or how certain the outcome is."""
    certainty = CERTAINTIES.get(option.get("outcome", ""), "")
    if option.get("outcome") == "immediate":
        certainty = STARTS.get(option["action"], certainty)
    if party := option.get("to"):
        certainty = f"ask the {party}, {certainty}"
    said = [option.get("reason") or certainty]
    if advice := option.get("advice"):
        said.append(_advised(advice) if advice == WAIT else f"try {advice}")
    if cascade := option.get("cascade"):
        along = ", ".join(f"{c['order_id']}/{c['item_id']} ×{c['quantity']}" for c in cascade)
        said.append(f"takes along {along}")
    sentence = "; ".join(part for part in said if part)
    return f"{option.get('rule') or ''}: {sentence}".strip(": ")
