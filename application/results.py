"""What a command is answered with: the JSON of `run` and `preview`, and the outcome that the journal keeps."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from ..domain import Command, Event, Malformed, Outcome
from ..domain.errors import CascadeUnits

Status = Literal["accepted", "noted", "duplicate", "rejected", "invalid"]

_encode = msgspec.json.Encoder().encode


class Result(Struct, frozen=True, kw_only=True):
    """The answer to one command.

    ``rule``, ``reason``, ``advice``, ``cascade`` say why it was rejected; ``reason`` alone, which field is malformed;
    ``first`` is the first answer to a repeated command; ``idempotency_key`` goes with a submitted payout.
    """

    status: Status
    command: str | None = None
    command_id: str | None = None
    line: int | None = None
    order_ids: list[str] = []
    events: list[dict[str, Any]] = []
    rule: str | None = None
    reason: str | None = None
    advice: str | None = None
    cascade: list[CascadeUnits] = []
    idempotency_key: str | None = None
    first: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result's JSON object; only the keys that this status has."""
        told: dict[str, Any] = {} if self.line is None else {"line": self.line}
        told |= {"command": self.command, "command_id": self.command_id, "status": self.status}
        if self.status == "invalid":
            return told | {"reason": self.reason}
        told |= {"order_ids": self.order_ids, "events": self.events}
        if self.status == "rejected":
            told |= {"rule": self.rule, "reason": self.reason, "advice": self.advice, "cascade": self.cascade}
        if self.idempotency_key is not None:
            told["idempotency_key"] = self.idempotency_key
        if self.first is not None:
            told["first"] = self.first
        return told

    def to_json(self) -> bytes:
        """The result as one line of JSON, without its end."""
        return _encode(self.to_dict())


read_result = msgspec.json.Decoder(Result).decode
"""A result back from its JSON, as the journal keeps it."""


def decided(command: Command, outcome: Outcome) -> Result:
    """The answer to a command that was decided."""
    return Result(
        status=outcome.status,
        command=command.name,
        command_id=command.command_id,
        order_ids=outcome.order_ids,
        events=[_told(event) for event in outcome.events],
        rule=outcome.rule,
        reason=outcome.reason,
        advice=outcome.advice,
        cascade=list(outcome.cascade),
        idempotency_key=outcome.idempotency_key,
    )


def repeated(command: Command, first: bytes) -> Result:
    """The answer to a command that was answered before, with that answer."""
    answer = msgspec.json.decode(first)
    return Result(
        status="duplicate",
        command=command.name,
        command_id=command.command_id,
        order_ids=answer["order_ids"],
        first=answer,
    )


def invalid(raw: object, error: Malformed) -> Result:
    """The answer to what is no command."""
    fields = raw if isinstance(raw, dict) else {}
    name, command_id = fields.get("command"), fields.get("command_id")
    return Result(
        status="invalid",
        command=_shown(name),
        command_id=_shown(command_id),
        reason=str(error).encode("utf-8", "backslashreplace").decode(),
    )


def _shown(text: object) -> str | None:
    """A malformed command's own words, cut short; lone surrogates escaped, as they are no text."""
    return text[:200].encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else None


def _told(event: Event) -> dict[str, Any]:
    subject = event.subject
    return {"type": event.type, subject: getattr(event, subject), "version": event.version, "rule": event.rule}
