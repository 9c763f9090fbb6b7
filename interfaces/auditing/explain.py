"""`ordertrail audit explain`: what the command takes, what it shows, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..exits import DONE, FOUND
from ..parameters import identifier, json_option, store_option

if TYPE_CHECKING:
    from rich.table import Table

    from ...application.audit.explain import Section


@click.command(short_help="Why a refund, request, return, claim or order is as it is.")
@click.argument("its_id", metavar="ID", type=identifier)
@json_option
@store_option()
def explain(its_id: str, as_json: bool, store: str) -> int:
    """Why a refund, request, return, claim or order is as it is: back to the commands and deadlines behind it.

    In words that a buyer could be sent; as JSON with every id, position and number. Exit status 1 if something that
    was recorded does not add up.
    """
    from ...application.audit.explain import explain, in_words

    explanation = explain(store, its_id)
    if as_json:
        from msgspec import to_builtins

        from ..documents import show_json

        show_json(to_builtins(explanation))
    else:
        from ..screen import show_tables

        show_tables(_part(section) for section in in_words(explanation))
    return FOUND if explanation.doubts else DONE


def _part(section: Section) -> Table:
    """The title, the paragraphs, then a list with its lines hanging."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid()
    made.add_column(overflow="fold")
    made.add_row(Text(section.title, "bold"))
    for paragraph in section.paragraphs:
        made.add_row(Text(paragraph))
    for line in section.lines:
        hanging = Table.grid(padding=(0, 1))
        hanging.add_column(no_wrap=True)
        hanging.add_column(overflow="fold")
        hanging.add_row("-", Text(line))
        made.add_row(hanging)
    return made
