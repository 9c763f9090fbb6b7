"""`ordertrail audit seal`: what the command takes, what it shows, how it ends."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from ..exits import Failure
from ..parameters import store_option
from .verify import readable


@click.command(short_help="Print a seal of the log as it is now, to be kept elsewhere.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there; never over another.")
@click.option("--sign", "private_key", type=readable, metavar="KEY.pem", help="Sign it with an Ed25519 private key.")
@store_option()
def seal(output: Path | None, private_key: Path | None, store: str) -> None:
    """Print a seal of the log as it is now: one line of JSON, to be kept where who writes the log cannot write.

    Later, `audit verify --seal` proves that the log still begins with all that was sealed.
    """
    from ...application.audit.seal import Seal, SealError
    from ...application.audit.signature import sign
    from ...application.store import Store

    with closing(Store.open(store, create=False)) as opened:
        made = Seal.of(opened.evidence(), datetime.now(UTC).replace(microsecond=0))
    if private_key is not None:
        try:
            made = sign(made, private_key.read_bytes())
        except SealError as error:
            raise Failure(f"{private_key} cannot sign: {error}") from None
    line = made.to_json().decode() + "\n"
    if output is None:
        click.echo(line, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(line)
    except FileExistsError:
        raise Failure(f"{output} is there already: an older seal is evidence too, so none is written over it") from None
