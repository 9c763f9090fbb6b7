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


@click.command(short_help="Fold the whole log again, and check it.")
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", default=1, show_default=True, help="Processes.")
@click.option("--no-read-models", is_flag=True, help="Do not compare with the read models.")
@read_models_option
@json_option
@store_option()
def replay(workers: int, no_read_models: bool, read_models: str | None, as_json: bool, store: str) -> int:
    """Fold the whole log again, and check every event, order and shipment.

    The read models that there are get caught up, and each order and shipment is compared with what they say of it.
    Exit status 1 if anything is wrong.
    """
    from ...application.audit.replay import replay
    from .bar import bar
    from .read_models import caught_up

    models, why_not = (None, "not asked for") if no_read_models else caught_up(store, read_models)
    with bar("replaying") as advance:
        report = replay(store, workers=workers, read_models=models, progress=advance)
    if as_json:
        from msgspec import to_builtins

        from ..documents import show_json

        show_json(to_builtins(report))
    else:
        from ..screen import show_tables

        show_tables(_tables(report, why_not))
    return FOUND if report.found else DONE


def _tables(report: Report, why_not: str) -> Iterator[Table]:
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
            ("read models", _compared(report, why_not)),
            ("found", f"{report.found:,}: {by_rule}{more}" if report.found else "nothing wrong"),
        ]
    )


def _compared(report: Report, why_not: str) -> str:
    if not report.compared:
        return f"not compared: {why_not}"
    return f"each order compared with {', '.join(report.read_models)}{'; ' if why_not else ''}{why_not}"
