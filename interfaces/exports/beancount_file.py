"""The ledger as a Beancount file (version 3), which `bean-check` accepts and Fava shows.

The expected balances stand before everything that they are about. Beancount sorts by date, so they are checked after
the last entry all the same, and a file that was cut off still holds them, and fails.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import takewhile

from ...domain.admission import moment
from ...domain.money import CURRENCIES
from ...projections.ledger import AccountUse, Entry, Posting
from .amounts import number

_UNLINKABLE = re.compile(r"[^A-Za-z0-9-]")
_QUOTED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def beancount_file(title: str, used: Iterable[AccountUse], journal: Iterable[Entry]) -> Iterator[str]:
    """The file in pieces; `used` is what the entries come to, account by account, up to the last that it knows.

    What is booked behind that one, while the file is written, is left out.
    """
    uses = list(used)
    currencies = sorted({use.currency for use in uses})
    yield f'option "title" {quoted(title)}\n'
    yield from (f'option "operating_currency" "{currency}"\n' for currency in currencies)
    if not uses:
        return
    yield "\n; What the entries below come to. One that is missing, or altered, fails here.\n"
    yield from _balances(uses)
    yield "\n"
    first = min(use.first_at for use in uses).date()
    for currency in currencies:
        yield f"{first} commodity {currency}\n  precision: {CURRENCIES[currency]}\n"
    yield "\n"
    yield from _opened(uses)
    last = max(use.last_entry for use in uses)
    for entry in takewhile(lambda entry: entry.entry <= last, journal):
        yield transaction(entry)


def transaction(entry: Entry) -> str:
    """One entry of the journal: in words, with links to all that is about the same order, refund or payment."""
    payments = dict.fromkeys(posting.payment_id for posting in entry.postings if posting.payment_id is not None)
    links = [link("order", entry.order_id)]
    links += [link("refund", entry.refund_id)] if entry.refund_id is not None else []
    links += [link("payment", entry.order_id, payment_id) for payment_id in payments]
    head = f"\n{entry.at.date()} * {quoted(entry.event.replace('-', ' '))} {' '.join(links)}"
    lines = [head, f"  order: {quoted(entry.order_id)}"]
    if entry.refund_id is not None:
        lines.append(f"  refund: {quoted(entry.refund_id)}")
    lines += [
        f"  event: {quoted(entry.event)}",
        f"  position: {entry.position}",
        f"  entry: {entry.entry}",
        f'  time: "{moment(entry.at)}"',
        *(_posted(posting) for posting in entry.postings),
    ]
    return "\n".join(lines) + "\n"


def link(kind: str, *ids: str) -> str:
    """A link that no other ids share: `^refund-O1.refund.1` for `O1:refund:1`, `^payment-O1/card` for two ids.

    Beancount spells a link in letters, digits and `-_/.`: a colon is a dot here, an underscore two of them, and
    what else there is its hexadecimal code point between underscores.
    """
    return f"^{kind}-" + "/".join(_UNLINKABLE.sub(_escaped, its_id) for its_id in ids)


def quoted(text: str) -> str:
    """A Beancount string."""
    return f'"{text.translate(_QUOTED)}"'


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    return {":": ".", "_": "__"}.get(letter) or f"_{ord(letter):x}_"


def _posted(posting: Posting) -> str:
    line = f"  {posting.account}  {number(posting.amount, posting.currency)} {posting.currency}"
    return line if posting.payment_id is None else f"{line}\n    payment: {quoted(posting.payment_id)}"


def _balances(uses: list[AccountUse]) -> Iterator[str]:
    """Exact ones: without `~ 0` Beancount lets the last digit be wrong by one."""
    day_after = max(use.last_at for use in uses).date() + timedelta(days=1)
    for use in uses:
        yield f"{day_after} balance {use.account}  {number(use.balance, use.currency)} ~ 0 {use.currency}\n"


def _opened(uses: list[AccountUse]) -> Iterator[str]:
    """Every account once, at its first use in any currency."""
    accounts: dict[str, list[AccountUse]] = {}
    for use in uses:
        accounts.setdefault(use.account, []).append(use)
    for account, of_account in accounts.items():
        first = min(use.first_at for use in of_account).date()
        yield f"{first} open {account}  {','.join(sorted(use.currency for use in of_account))}\n"
