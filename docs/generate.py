"""Writes the generated sections of the README and the docs: what lies between `<!-- generated: NAME -->` and its end.

    python docs/generate.py            # rewrites the pages, and names those that changed

tests/docs/test_pages.py fails where a page is behind the code.
"""

import re
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ordertrail.domain import Rule, default_policy_toml, lifecycle
from ordertrail.domain.commands import COMMANDS, Command, Content, Received
from ordertrail.domain.events import EVENT_TYPES, Event, LostAfter, OrderEvent, PayoutOwed, ShipmentEvent
from ordertrail.domain.rules import SOURCES, TOPICS, by_topic
from ordertrail.domain.vocabulary import Carrier, Line, OrderUnits, Payment
from ordertrail.interfaces.exports.ocel import OBJECT_TYPES
from ordertrail.interfaces.exports.parquet_columns import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
SECTION = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- /generated -->)", re.DOTALL)

LIFE = (
    *("place-order", "cancel-items", "request-cancellation", "answer-cancellation"),
    *("pack-shipment", "unpack-shipment", "dispatch-shipment", "start-delivery", "fail-attempt", "deliver"),
    *("refuse-delivery", "turn-back", "lose-shipment"),
    *("start-return", "withdraw-return", "hand-over-return", "receive-return", "lose-return"),
    *("submit-payout", "report-payout", "file-claim", "decide-claim", "withdraw-claim", "pass-time"),
)
"""Every command, in the order of an order's life."""

ASIDE = {"settle-claim", "unpack", "drop-return"}
"""Triggers that the README's picture leaves out: they lead from nearly everywhere, or only back."""


def picture() -> str:
    """The lifecycle without the triggers in ``ASIDE``."""
    return fenced("mermaid", "\n".join(without(ASIDE, lifecycle.mermaid().splitlines())))


def without(triggers: set[str], lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        edge, colon, label = line.partition(": ")
        kept = [trigger for trigger in label.split(", ") if trigger not in triggers]
        if kept:
            yield edge + colon + ", ".join(kept)


def rules() -> str:
    head = "| rule | what it says | source |\n| --- | --- | --- |"
    return "\n\n".join(
        f"## {TOPICS[topic]}\n\n{head}\n" + "\n".join(rule_row(rule) for rule in listed)
        for topic, listed in by_topic().items()
    )


def rule_row(rule: Rule) -> str:
    return f'| <a id="{rule.id.lower()}"></a>{rule.id} | {rule.text} | {", ".join(rule.source)} |'


def sources() -> str:
    return "\n".join(f"- **{letter}**: {text}." for letter, text in SOURCES.items())


def commands() -> str:
    common = {field.name for field in msgspec.structs.fields(Command)}
    rows = [
        f"| `{name}`{'°' if kind.is_report else ''} | {', '.join(kind.roles)} | {fields(kind, common) or '–'} |"
        for name, kind in sorted(COMMANDS.items(), key=lambda entry: LIFE.index(entry[0]))
    ]
    return "\n".join(["| command | who | fields |", "| --- | --- | --- |", *rows])


def parts() -> str:
    return shapes({"items of a placing": Line, "payments": Payment, "contents": Content, "carrier": Carrier}) + (
        "\n" + shapes({"received": Received}).split("\n", 2)[2]
    )


def shapes(kinds: dict[str, type[msgspec.Struct]]) -> str:
    rows = [f"| {name} | {fields(kind, set())} |" for name, kind in kinds.items()]
    return "\n".join(["| part | fields |", "| --- | --- |", *rows])


def events() -> str:
    def rows(base: type[Event]) -> list[str]:
        envelope = {field.name for field in msgspec.structs.fields(base)}
        listed = [(name, kind) for name, kind in EVENT_TYPES.items() if issubclass(kind, base)]
        schemas = {name: f" (schema {kind.current})" if kind.current > 1 else "" for name, kind in listed}
        return [f"| `{name}`{schemas[name]} | {fields(kind, envelope) or '–'} |" for name, kind in listed]

    head = ["| event | fields |", "| --- | --- |"]
    order, shipment = [*head, *rows(OrderEvent)], [*head, *rows(ShipmentEvent)]
    return "\n".join(["## Of an order", "", *order, "", "## Of a shipment", "", *shipment])


def event_parts() -> str:
    return shapes({"payouts": PayoutOwed, "contents, accepted": OrderUnits, "lost_after": LostAfter})


def fields(kind: type[msgspec.Struct], known: set[str]) -> str:
    """The fields that are not ``known``, a `?` for those that may be absent, with the words that they may hold."""
    told = []
    for field in msgspec.structs.fields(kind):
        if field.name not in known:
            words = choices(field.type)
            choice = f" ({' '.join(f'`{word}`' for word in words)})" if words else ""
            told.append(f"`{field.encode_name}{'' if field.required else '?'}`{choice}")
    return ", ".join(told)


def choices(kind: Any) -> list[str]:
    """The words of a field that takes one of a few; booleans and mixtures take none."""
    if get_origin(kind) is Literal:
        return [str(word) for word in get_args(kind)]
    if get_origin(kind) is Annotated:
        return choices(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        inner = [arg for arg in get_args(kind) if arg is not type(None)]
        return choices(inner[0]) if len(inner) == 1 else []
    return []


def ocel_objects() -> str:
    rows = [f"| `{name}` | {', '.join(map(attribute, kinds.items()))} |" for name, kinds in OBJECT_TYPES.items()]
    return "\n".join(["| object | attributes |", "| --- | --- |", *rows])


def attribute(named: tuple[str, str]) -> str:
    name, kind = named
    return f"`{name}`" if kind == "string" else f"`{name}` ({kind})"


def parquet_columns() -> str:
    rows = [f"| `{name}` | {column.kind} | {column.meaning} |" for name, column in COLUMNS.items()]
    return "\n".join(["| column | kind | meaning |", "| --- | --- | --- |", *rows])


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


SECTIONS: dict[str, Callable[[], str]] = {
    "picture": picture,
    "states": lifecycle.table,
    "diagram": lambda: fenced("mermaid", lifecycle.mermaid()),
    "rules": rules,
    "sources": sources,
    "commands": commands,
    "parts": parts,
    "events": events,
    "event-parts": event_parts,
    "ocel-objects": ocel_objects,
    "parquet-columns": parquet_columns,
    "policy": lambda: fenced("toml", default_policy_toml()),
}


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def generated(text: str) -> str:
    """A page's text with its generated sections as they should be."""
    return SECTION.sub(lambda found: f"{found[1]}\n{SECTIONS[found[2]]()}\n\n{found[3]}", text)


def main() -> None:
    for page in pages():
        text = page.read_text("utf-8")
        if (fresh := generated(text)) != text:
            page.write_text(fresh, "utf-8")
            print(f"{page.relative_to(ROOT)} rewritten")


if __name__ == "__main__":
    main()
