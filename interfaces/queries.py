"""The query commands: what is asked of which read model, and how it is told, as JSON or as tables.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import update_wrapper
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from . import filters
from .documents import show_json, show_json_array
from .parameters import Command, json_option, policy_unused, read_models_option, store_option

if TYPE_CHECKING:
    from ..projections.database import Database

NOTHING_FOUND = "nothing found"
PAGE_ROWS = 50
"""Of a table for people, who may ask for more; programs get all."""

Rows = Iterable[Any]


class Question(NamedTuple):
    """What a query command was asked, apart from its filters."""

    store: str
    read_models: str | None
    as_json: bool
    limit: int | None
    as_known_at: datetime | None

    def read_models_of(self, *names: str) -> AbstractContextManager[Database]:
        """The database of these projections, caught up; or what they knew at a time, made for this call."""
        from .read_models import caught_up, known_then

        if self.as_known_at is not None:
            return known_then(self.store, *names, at=self.as_known_at)
        return caught_up(self.store, *names, read_models=self.read_models)

    @property
    def most_rows(self) -> int | None:
        """How many are to be fetched: for people one more than is shown, to see whether there are more."""
        return self.limit if self.as_json else (self.limit or PAGE_ROWS) + 1

    def tell(self, rows: Rows, listing: str, cursor: Callable[[Any], Any]) -> None:
        """Print what was found; for people as the function of this name in `listings` lists it.

        `cursor` gives what `--after` takes to go on behind a row.
        """
        if self.as_json:
            from ..projections.answers import plain

            return show_json_array(each for row in rows for each in plain([row]))
        from . import listings  # and with it rich and Babel: for people only
        from .screen import show_tables

        found = list(rows)
        if not found:
            return click.echo(NOTHING_FOUND)
        shown = found[: self.limit or PAGE_ROWS]
        show_tables(getattr(listings, listing)(shown))
        if len(found) > len(shown):
            click.echo(listings.next_page(cursor(shown[-1])))
        return None


def asking(*options: filters.Option) -> Callable[[Command], Command]:
    """Give a command these filters and what all queries take; the function gets a `Question` and the filters."""

    def decorate(function: Command) -> Command:
        def ask(
            *, store: str, read_models: str | None, as_json: bool, as_known_at: datetime | None, **chosen: Any
        ) -> Any:
            if "at" in chosen:
                chosen["at"] = chosen["at"] or chosen["as_of"] or as_known_at or datetime.now(UTC)
            limit = chosen.pop("limit", None)
            return function(Question(store, read_models, as_json, limit, as_known_at), **chosen)

        command: Command = update_wrapper(ask, function)
        common: tuple[filters.Option, ...] = (
            *(store_option(), policy_unused, read_models_option, json_option, filters.as_known_at),
        )
        for option in (*common, *reversed(options)):
            command = option(command)
        return command

    return decorate


@click.command(short_help="Orders: whose, in which state, what is owed.")
@asking(
    *(filters.order, filters.buyer, filters.seller, filters.shipment, filters.order_state),
    *(filters.placed_from, filters.placed_before, filters.at, filters.as_of, filters.limit, filters.after("order")),
)
def orders(question: Question, shipment_id: str | None, **chosen: Any) -> None:
    """Orders by their ids: whose they are, in which state, what is open, and what is owed of their refunds."""
    from ..projections import orders as read_model

    with question.read_models_of("orders", *(["shipments"] if shipment_id else [])) as database:
        if shipment_id is None:
            found: Rows = read_model.orders(database, limit=question.most_rows, **chosen)
        else:
            from .crossings import orders_in

            found = islice(orders_in(database, shipment_id, **chosen), question.most_rows)
        question.tell(found, "order_tables", lambda order: order.order_id)


@click.command(short_help="Parcels: where they are, what is in them.")
@asking(
    *(filters.shipment, filters.order, filters.buyer, filters.seller, filters.shipment_state, filters.as_of),
    *(filters.limit, filters.after("parcel")),
)
def shipments(question: Question, **chosen: Any) -> None:
    """Parcels by their ids: where they are, what is in them; of one alone, all that was reported of it."""
    from ..projections import shipments as read_model

    names = ("shipments", "orders") if chosen["seller_id"] else ("shipments",)
    with question.read_models_of(*names) as database:
        found = read_model.shipments(database, limit=question.most_rows, **chosen)
        question.tell(found, "shipment_tables", lambda shipment: shipment.shipment_id)


@click.command(short_help="The journal of the money.")
@asking(
    *(filters.order, filters.buyer, filters.seller, filters.as_of, filters.limit),
    filters.after("entry's number", metavar="N", kind=click.IntRange(0, filters.LAST_NUMBER), default=0),
)
def ledger(question: Question, buyer_id: str | None, **chosen: Any) -> None:
    """The journal in double entry: what each event that moves money debits and credits."""
    from ..projections import ledger as read_model

    with question.read_models_of("ledger", *(["orders"] if buyer_id else [])) as database:
        if buyer_id is None:
            found: Rows = read_model.each_entry(database, limit=question.most_rows, **chosen)
        else:
            from .crossings import entries_of_buyer

            found = entries_of_buyer(database, buyer_id, limit=question.most_rows, **chosen)
        question.tell(found, "journal_tables", lambda entry: entry.entry)


@click.command(short_help="What lies on each account.")
@asking(filters.order, filters.buyer, filters.seller, filters.as_of)
def balances(question: Question, buyer_id: str | None, **chosen: Any) -> None:
    """What lies on each account of the ledger, by currency; debits are positive, and all together are zero."""
    from ..projections import ledger as read_model

    with question.read_models_of("ledger", *(["orders"] if buyer_id else [])) as database:
        if buyer_id is None:
            found = read_model.balances(database, **chosen)
        else:
            from .crossings import balances_of_buyer

            found = balances_of_buyer(database, buyer_id, **chosen)
    if question.as_json:
        return show_json(found)
    if not found:
        return click.echo(NOTHING_FOUND)
    from .listings import balance_tables
    from .screen import show_tables

    return show_tables(balance_tables(found))


@click.command(short_help="Refunds: deferred, due, paid, overdue.")
@asking(
    *(filters.order, filters.buyer, filters.seller, filters.refund_status, filters.method, filters.overdue),
    *(filters.at, filters.as_of, filters.limit, filters.after("refund")),
)
def refunds(question: Question, overdue: bool, **chosen: Any) -> None:
    """Refunds by their ids: what is deferred, due or paid, to which payments, by when, and what is overdue."""
    from ..projections import refunds as read_model

    with question.read_models_of("refunds") as database:
        found = read_model.refunds(database, overdue=overdue or None, limit=question.most_rows, **chosen)
        question.tell(found, "refund_tables", lambda refund: refund.refund_id)


@click.command(short_help="Cancellation requests that wait for an answer.")
@asking(
    *(filters.order, filters.buyer, filters.seller, filters.party),
    *(filters.at, filters.as_of, filters.limit, filters.after("request")),
)
def inbox(question: Question, **chosen: Any) -> None:
    """Cancellation requests that are open: who must answer, and until when."""
    from ..projections import inbox as read_model

    with question.read_models_of("inbox") as database:
        found = read_model.inbox(database, limit=question.most_rows, **chosen)
        question.tell(found, "inbox_tables", lambda request: request.request_id)


@click.command(short_help="What a person must look at.")
@asking(
    *(filters.order, filters.buyer, filters.seller, filters.exception_kind, filters.overdue),
    *(filters.at, filters.as_of, filters.limit, filters.after("exception")),
)
def exceptions(question: Question, overdue: bool, **chosen: Any) -> None:
    """What a person must look at: goods that came after their refund or turned up, money that nobody owed or got."""
    from ..projections import exceptions as read_model

    if overdue and chosen["kind"] not in (None, "overdue-refund"):
        raise click.UsageError("--overdue and --kind exclude each other.")
    chosen["kind"] = "overdue-refund" if overdue else chosen["kind"]
    with question.read_models_of("exceptions", "refunds") as database:
        try:
            found = read_model.exceptions(database, limit=question.most_rows, **chosen)
        except ValueError:
            wrong = f"{chosen['after']!r} is not where a page of exceptions ended."
            raise click.BadParameter(wrong, param_hint="--after") from None
        question.tell(found, "exception_tables", lambda exception: exception.cursor)


QUERIES = (orders, shipments, ledger, balances, refunds, inbox, exceptions)
"""In the sequence in which a help lists them."""
