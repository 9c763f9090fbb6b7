"""The ledger as CSV (RFC 4180, UTF-8): a line a posting, for spreadsheets and for programs."""

import csv
from collections.abc import Iterable, Iterator

from ...domain.admission import moment
from ...projections.ledger import Entry
from .amounts import number

COLUMNS = (
    "entry",
    "position",
    "at",
    "date",
    "order_id",
    "event",
    "refund_id",
    "payment_id",
    "account",
    "amount_minor",
    "amount",
    "currency",
)
"""Stable: a new column would be the last."""

_DANGEROUS = ("=", "+", "-", "@", "'")


class _Handed:
    """What `csv.writer` writes to: a row's text is handed back."""

    def write(self, text: str) -> str:
        return text


def csv_file(journal: Iterable[Entry]) -> Iterator[str]:
    """The file in pieces, the names of the columns first."""
    row = csv.writer(_Handed()).writerow
    yield row(COLUMNS)
    for entry in journal:
        at = moment(entry.at)
        about = (entry.entry, entry.position, at, at[:10], cell(entry.order_id), entry.event, cell(entry.refund_id))
        for posting in entry.postings:
            amount = number(posting.amount, posting.currency)
            yield row((*about, cell(posting.payment_id), posting.account, posting.amount, amount, posting.currency))


def cell(its_id: str | None) -> str:
    """An id that a spreadsheet takes for text: what looks like a formula gets an apostrophe in front.

    So does what begins with an apostrophe, so that taking the first one away always gives the id.
    """
    if its_id is None:
        return ""
    return f"'{its_id}" if its_id.startswith(_DANGEROUS) else its_id
