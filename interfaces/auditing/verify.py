"""`ordertrail audit verify`: what the command takes, what it shows, how it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exits import DONE, FOUND, Failure
from ..parameters import json_option, store_option

if TYPE_CHECKING:
    from rich.table import Table

    from ...application.audit.seal import Seal
    from ...application.audit.tampering import Verified

readable = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
TABLES = {
    "stored_events": ("event", "events"),
    "journal": ("journal entry", "journal entries"),
    "attempts": ("attempt", "attempts"),
    "policies": ("policy", "policies"),
}


@click.command(short_help="Find rows that were changed, removed, added or moved.")
@click.option("--seal", "seal_file", type=readable, metavar="FILE", help="Compare with a seal that was kept elsewhere.")
@click.option("--public-key", type=readable, metavar="KEY.pem", help="Require that the seal was signed by this key.")
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", default=1, show_default=True, help="Processes.")
@json_option
@store_option()
def verify(seal_file: Path | None, public_key: Path | None, workers: int, as_json: bool, store: str) -> int:
    """Find rows of events, journal and attempts that were changed, removed, added or moved, and policies that were
    changed or are gone.

    Each row of events and journal holds a digest of itself and the row before it. A log that was cut off at its end, or
    rewritten as a whole, shows only against a seal; so does a policy that was replaced together with its SHA-256. Exit
    status 1 if anything is not as it was recorded.
    """
    from ...application.audit.verify import verify
    from .bar import bar

    if public_key is not None and seal_file is None:
        raise click.UsageError("--public-key is for a --seal.")
    seal = None if seal_file is None else _read(seal_file, public_key)
    started = time.perf_counter()
    with bar("verifying") as advance:
        verified = verify(store, seal=seal, workers=workers, advance=advance)
    seconds = time.perf_counter() - started
    if as_json:
        from msgspec import to_builtins

        from ..documents import show_json

        told = to_builtins(verified) | {"found": verified.found.total()}
        show_json({"sealed_at": seal.at if seal else None, **told})
    else:
        from ..screen import show_tables

        show_tables(_tables(verified, seconds, seal, signed=public_key is not None))
    return FOUND if verified.found else DONE


def _read(file: Path, public_key: Path | None) -> Seal:
    from ...application.audit.seal import Seal, SealError
    from ...application.audit.signature import require_signature

    try:
        seal = Seal.from_json(file.read_bytes())
        if public_key is not None:
            require_signature(seal, public_key.read_bytes())
    except SealError as error:
        raise Failure(f"the seal {file} cannot be used: {error}") from None
    return seal


def _tables(verified: Verified, seconds: float, seal: Seal | None, *, signed: bool) -> Iterator[Table]:
    from ..cells import facts, moment, table

    if verified.findings:
        made = table("Not as it was recorded", "finding", "what")
        for finding in verified.findings:
            made.add_row(finding.kind, finding.said)
        yield made
    links = verified.rows["stored_events"] + verified.rows["journal"]
    rate = f" in {seconds:.1f} s ({links / max(seconds, 1e-9):,.0f} a second)" if links else ""
    found = verified.found.total()
    more = f", of which {len(verified.findings):,} are listed" if found > len(verified.findings) else ""
    told = [
        ("verified", ", ".join(_counted(rows, *TABLES[name]) for name, rows in verified.rows.items()) + rate),
        ("findings", f"{found:,}{more}" if found else "none: every row follows from the one before it"),
    ]
    if seal is None:
        told.append(("seal", "none was given: a log cut off at its end, or rewritten as a whole, may not show"))
    else:
        ends = f"of {moment(seal.at)}: events to {seal.events.number:,}, journal to {seal.journal.number:,}"
        unchecked = "; its signature was not looked at" if seal.signature else "; not signed"
        told.append(("seal", ends + ("; signed with the key given" if signed else unchecked)))
    yield facts(told)


def _counted(count: int, singular: str, plural: str) -> str:
    return f"{count:,} {singular if count == 1 else plural}"
