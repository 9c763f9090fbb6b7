"""A store made again from what another one held: every row with its number and digest, so that one seal fits both.

Deadlines are no part of that: they are read off the orders, as they are whenever an order changes.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ..domain import Policy, fold, next_deadline, policy_digest
from ..domain.errors import InvalidPolicy, OrdertrailError
from .audit.links import name
from .audit.seal import EventsEnd, JournalEnd, Seal
from .errors import Conflict, StoreError
from .store import SQLITE, Store
from .store.address import MEMORY, is_postgres, sqlite_address
from .store.chain import CHAINS, EVENTS, ROW_ERRORS, START, Chain, Row
from .store.loading import Loading, NotEmpty

PAGE_ROWS = 1000
Advance = Callable[[int], object]


class NotRestored(OrdertrailError):
    """What was given is not a whole store, or there is no place for it; ``str()`` is one sentence. Nothing is left."""


class BadRow(NotRestored):
    """The row that was given last does not follow from those before it."""


def restore(
    url: str, seal: Seal, policies: Mapping[str, str], rows: Iterable[tuple[Chain, Row]], advance: Advance
) -> None:
    """Make a store that the seal fits, in full or not at all, durably; deadlines are made anew.

    ``policies`` are contents by version, ``rows`` those of both chains in the order of their numbers, each with its
    digest; ``advance`` is told how many rows are done. Raises ``BadRow`` as soon as one is wrong, ``NotRestored`` where
    they are not what was sealed or where there is a store already, and ``StoreError``.
    """
    known = _sealed(seal, policies)

    def work(loading: Loading) -> None:
        loading.add_policies(policies)
        _load_rows(loading, seal, rows, advance)
        loading.number_after(seal.events.number, gaps=seal.events.count != seal.events.number)
        _load_deadlines(loading, known)

    with _made_whole(url) as address, closing(Store.open(address)) as store:
        try:
            store.load(work)
        except NotEmpty as error:
            raise NotRestored(str(error)) from None
        except Conflict as error:
            raise NotRestored(f"a version of a stream, or a command_id, is there twice: {error}") from error


def _sealed(seal: Seal, policies: Mapping[str, str]) -> dict[str, Policy]:
    """The policies by version, which must be those of the seal."""
    if {version: policy_digest(content) for version, content in policies.items()} != seal.policies:
        raise NotRestored("its policies are not those that its seal tells of")
    try:
        return {version: Policy.from_toml(content) for version, content in policies.items()}
    except InvalidPolicy as error:
        raise NotRestored(f"one of its policies cannot be used: {error}") from error


def _load_rows(loading: Loading, seal: Seal, rows: Iterable[tuple[Chain, Row]], advance: Advance) -> None:
    ends = {chain.table: _End() for chain in CHAINS}
    waiting: dict[str, list[Row]] = {chain.table: [] for chain in CHAINS}
    done = 0
    for done, (chain, row) in enumerate(rows, start=1):
        ends[chain.table].link(chain, row)
        page = waiting[chain.table]
        page.append(row)
        if len(page) == PAGE_ROWS:
            loading.add(chain, page)
            page.clear()
            advance(done)
    for chain in CHAINS:
        loading.add(chain, waiting[chain.table])
        ends[chain.table].require(chain, seal.events if chain is EVENTS else seal.journal)
    advance(done)


class _End:
    """How far a chain is loaded."""

    def __init__(self) -> None:
        self._count = 0
        self._number = 0
        self._digest = START

    def link(self, chain: Chain, row: Row) -> None:
        """Go on to a row; raises ``BadRow`` where it does not follow."""
        number, digest = row[0], row[-1]
        if number <= self._number:
            raise BadRow(f"{name(chain, number)} cannot come after {name(chain, self._number)}")
        try:
            follows = chain.digest(self._digest, *row[:-1]) == digest
        except ROW_ERRORS:
            follows = False
        if not follows:
            raise BadRow(
                f"{name(chain, number)} does not follow from what is before it: something was changed or is missing"
            )
        self._count, self._number, self._digest = self._count + 1, number, digest

    def require(self, chain: Chain, end: EventsEnd | JournalEnd) -> None:
        """Raise ``NotRestored`` where this is not where the sealed chain ended."""
        if (self._count, self._number, self._digest.hex()) != (end.count, end.number, end.digest):
            what = "events" if chain is EVENTS else "journal entries"
            raise NotRestored(
                f"it has {self._count:,} {what} up to {self._number:,}, and not the {end.count:,} up to {end.number:,}"
                " that its seal tells of"
            )


def _load_deadlines(loading: Loading, policies: Mapping[str, Policy]) -> None:
    for lives in loading.lives():
        deadlines = []
        for events in lives:
            order = fold(events)
            assert order is not None
            order.policy = policies.get(order.policy_version)
            if order.policy is None:
                raise NotRestored(f"order {order.order_id} has policy {order.policy_version}, which is missing")
            if (deadline := next_deadline(order)) is not None:
                deadlines.append((order.order_id, deadline.at))
        loading.add_deadlines(deadlines)


# --- in full or not at all --------------------------------------------------------------------------------------------


@contextmanager
def _made_whole(url: str) -> Iterator[str]:
    """Where to make the store: a SQLite file takes its name once it is whole; in PostgreSQL a transaction is enough."""
    if is_postgres(url) or url in MEMORY:
        yield url
        return
    path = Path(sqlite_address(url, create=True).place)
    if path.exists():
        raise NotRestored(f"there is {path} already: a store is restored into a file of its own")
    beside = path.with_name(f".{path.name}.restoring-{os.getpid()}")
    try:
        yield f"{SQLITE}{beside}"
        _rename(beside, path)
    except StoreError as error:
        raise StoreError(str(error).replace(str(beside), str(path))) from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{beside}{suffix}").unlink()


def _rename(beside: Path, path: Path) -> None:
    """Give a closed store its name, unless something has it by now."""
    if Path(f"{beside}-wal").exists():  # else its last reader has folded it into the file
        raise StoreError(f"{path} could not be written in full")
    try:
        os.link(beside, path)
    except FileExistsError:
        raise NotRestored(f"there is {path} already: a store is restored into a file of its own") from None
    except OSError:  # a file system without links
        try:
            os.rename(beside, path)
        except OSError as error:
            raise StoreError(f"{path} could not be made: {error.strerror}") from error
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
