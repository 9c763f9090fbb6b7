"""`ordertrail audit replay`: what the command takes, what it shows, how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ..exits import DONE, FOUND
from ..parameters import json_option, read_models_option, store_option

if TYPE_CHECKING:
    from rich.table import Table

    from ...application.audit.replay import Report
    from .read_models import WhyNot


@click.command(short_help="Fold the whole log again, and check it.")
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", default=1, show_default=True, help="Processes.")
@click.option("--no-read-models", is_flag=True, help="Do not compare with the read models.")
@read_models_option
@json_option
@store_option()
def replay(workers: int, no_read_models: bool, read_models: str | None, as_json: bool, store: str) -> int:
    """Fold the whole log again, and check every event, order and shipment.

    The read models that there are get caught up, and each order and shipment is compared with what they say of it.
    Exit status 1 if anything is wrong, or if a read model knows events that the log does not have.
    """
    from ...application.audit.replay import replay
    from .bar import bar
    from .read_models import NOT_ASKED_FOR, caught_up, not_compared

    models, why_not = (None, NOT_ASKED_FOR) if no_read_models else caught_up(store, read_models)
    with bar("replaying") as advance:
        report = replay(store, workers=workers, read_models=models, progress=advance)
    others = not_compared(report, why_not)
    if as_json:
        from msgspec import to_builtins

        from ..documents import show_json

        told = to_builtins(report)
        findings = told.pop("findings")
        show_json(told | {"not_compared": others, "findings": findings})
    else:
        from ..screen import show_tables

        show_tables(_tables(report, others))
    return FOUND if report.found else DONE


def _tables(report: Report, others: WhyNot) -> Iterator[Table]:
    from ..cells import facts, table

    if report.by_event:
        made = table("Events", "event", "count", right=["count"])
        for event, count in report.by_event.items():
            made.add_row(event, f"{count:,}")
        yield made
    if report.findings:
        made = table("Found", "position", "of", "rule", "what", right=["position"])
        for finding in report.findings:
            made.add_row(f"{finding.position:,}", finding.whose, finding.rule, finding.reason)
        yield made
    rate = f" in {report.seconds:.1f} s ({report.events / report.seconds:,.0f} a second)" if report.events else ""
    by_rule = ", ".join(f"{rule} ×{count:,}" for rule, count in report.by_rule.items())
    more = f"; the first {len(report.findings):,} are listed" if report.found > len(report.findings) else ""
    yield facts(
        [
            ("replayed", f"{report.events:,} event{'' if report.events == 1 else 's'}{rate}"),
            ("of", f"{report.orders:,} orders, {report.shipments:,} shipments"),
            ("read models", _compared(report, others)),
            ("found", f"{report.found:,}: {by_rule}{more}" if report.found else "nothing wrong"),
        ]
    )


def _compared(report: Report, others: WhyNot) -> str:
    without = _in_words(others)
    if not report.compared:
        return f"not compared: {without}"
    return "; ".join(filter(None, [f"each order compared with {', '.join(report.read_models)}", without]))


def _in_words(others: WhyNot) -> str:
    from .read_models import NONE_BUILT, NOT_ASKED_FOR, NOT_BUILT

    if others == NOT_ASKED_FOR:
        return "not asked for"
    if others == NONE_BUILT:
        return "there are none"
    names: dict[str, list[str]] = {}
    for name, why in sorted(others.items(), key=lambda each: each[1] == NOT_BUILT):
        names.setdefault(why, []).append(name)
    return "; ".join(
        f"{of_it[0]} {why}" if len(of_it) == 1 and why != NOT_BUILT else f"{why}: {', '.join(of_it)}"
        for why, of_it in names.items()
    )
