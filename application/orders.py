"""`Orders`: the entry for backends. Loads, decides, appends, and answers repeats as the first time."""

import random
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec

from ..domain import (
    Command,
    Event,
    Malformed,
    Order,
    Policy,
    is_report,
    options,
)
from ..domain.admission import in_utc
from .aggregates import Policies, Shelf, WorkingSet
from .earlier import earlier
from .errors import Conflict, PolicyChanged, StoreError, UnknownOrder
from .log import command_in, numbered, read_command, require_bytes
from .policy_text import policy_text
from .principal import Principal
from .results import Result, invalid
from .store import SQLITE, Store
from .timeline import TimelineEntry, timeline
from .transaction import Transaction
from .views import order_view

ATTEMPTS = 30
"""How often a decision is made anew on fresh state before a conflict is given up."""
BATCH_COMMANDS = 500
BATCH_SECONDS = 0.25


class Orders:
    """The engine on one store. Synchronous; threads may share it, processes may open the same store.

    Errors: ``StoreError`` where the store fails, ``Conflict`` where others kept winning, ``UnknownOrder``,
    ``InvalidPolicy``. A rule's no is no error: it is a ``Result``.
    """

    def __init__(self, store: Store, policy_toml: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._policy = Policy.from_toml(policy_toml)
        self._policy_toml = policy_toml
        self._policy_is_kept = False
        self._policies = Policies(store)
        self._shelf = Shelf()
        kept = store.policy(self._policy.version)
        if kept not in (None, policy_toml):
            raise PolicyChanged(
                f"the store has policy {self._policy.version} with another content: give a changed one a new version"
            )

    @classmethod
    def open(
        cls,
        url: str | Path = "sqlite:///ordertrail.db",
        *,
        policy: str | Path | Policy | None = None,
        clock: Callable[[], datetime] | None = None,
        create: bool = True,
    ) -> Self:
        """Open a SQLite file by its path or as ``sqlite:///file``, ``postgresql://…`` or ``memory:``.

        ``policy`` is a file's path or a ``Policy`` (default: the packaged one); ``clock`` gives aware times (default:
        the system's); without ``create`` a store that is not there is an error, and one that may not be written can
        be read.
        """
        toml = policy_text(policy)
        store = Store.open(f"{SQLITE}{url}" if isinstance(url, Path) else url, create=create)
        try:
            if isinstance(policy, Policy) and (kept := store.policy(policy.version)):
                # A file may have said the same in other words.
                toml = kept if Policy.from_toml(kept) == policy else toml
            return cls(store, toml, clock or (lambda: datetime.now(UTC)))
        except BaseException:
            store.close()
            raise

    # --- commands ---

    def handle(self, command: Mapping[str, Any] | Command, *, by: Principal) -> Result:
        """Decide a command that ``by`` gives now, and keep what it makes; durable when it returns.

        The engine stamps the time; only reports may bring an earlier one (TIME-3).
        """
        try:
            attributed, clock = self._attributed(command, by)
        except Malformed as error:
            return invalid(command, error)
        return self._commit(attributed, clock)

    def preview(self, command: Mapping[str, Any] | Command, *, by: Principal) -> Result:
        """What ``handle`` would answer; nothing is recorded."""
        try:
            attributed, clock = self._attributed(command, by)
        except Malformed as error:
            return invalid(command, error)
        return self._preview(attributed, clock)

    def run(self, lines: Iterable[bytes | None]) -> Iterator[Result]:
        """Apply a command log whose own times are the clock; a result comes after its commit, in the log's order.

        Commits in batches. A None among the lines says that no more is waiting: what is decided is committed.
        Blank lines are passed over, but counted. A line that is not bytes is a ``TypeError``.
        """
        batch: list[tuple[int, Result | Command]] = []
        started = time.monotonic()
        for number, line in numbered(lines):
            if line is not None and not line.strip():
                continue
            if line is not None:
                batch.append((number, command_in(line)))
            if line is None or len(batch) >= BATCH_COMMANDS or time.monotonic() - started > BATCH_SECONDS:
                yield from self._commit_batch(batch)
                batch, started = [], time.monotonic()
        yield from self._commit_batch(batch)

    def preview_line(self, line: bytes) -> Result:
        """What ``run`` would answer to one line; a missing ``at`` is now. Nothing is recorded."""
        require_bytes(line, "the line")
        command = command_in(line.removeprefix(BOM_UTF8), at=self._now())
        if isinstance(command, Result):
            return command
        return self._preview(command, None)

    # --- looking ---

    def order(self, order_id: str) -> Order:
        """The folded aggregate, a copy of one's own; raises ``UnknownOrder``."""
        order = WorkingSet(self._store, self._policies).order(order_id)
        if order is None:
            raise UnknownOrder(order_id)
        return order

    def show(
        self,
        order_id: str,
        *,
        as_of: datetime | None = None,
        as_known_at: datetime | None = None,
        at_version: int | None = None,
    ) -> dict[str, Any]:
        """The order as `show --json` prints it: now, or what had happened by ``as_of``, as far as it was known then.

        ``as_known_at`` leaves out what was recorded after it; ``at_version`` takes the first events.
        Raises ``UnknownOrder``, or ``UnknownPast`` where it is not that old or has not that many versions.
        """
        if as_of is None and as_known_at is None and at_version is None:
            return order_view(self.order(order_id))
        events = self._store.events(f"order:{order_id}")
        if not events:
            raise UnknownOrder(order_id)
        return order_view(earlier(order_id, events, as_of=as_of, as_known_at=as_known_at, at_version=at_version))

    def timeline(self, order_id: str) -> list[TimelineEntry]:
        """The order's history in words, with the attempts that were rejected or noted; raises ``UnknownOrder``."""
        events = self._store.events(f"order:{order_id}")
        if not events:
            raise UnknownOrder(order_id)
        return timeline(order_id, events, self._store.attempts(order_id))

    def options(self, order_id: str, *, at: datetime | None = None) -> dict[str, Any]:
        """What the buyer can do at a moment (default: now), as `options --json` prints it."""
        self.order(order_id)
        moment = self._now() if at is None else in_utc(at)
        looks: list[WorkingSet] = []

        def look() -> WorkingSet:
            looks.append(WorkingSet(self._store, self._policies))
            return looks[-1]

        for _ in range(ATTEMPTS):
            with suppress(Conflict):
                try:
                    return options(look, order_id, moment, self._policy)
                except StoreError:
                    raise
                except Exception:
                    looks[-1].require_unchanged()  # then it is a bug
                    raise
        raise Conflict(f"the options of {order_id} cannot be told: others keep changing its orders")

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        """At most ``limit`` events of the whole log after a position, with their positions: what projections follow."""
        return self._store.notifications(after, limit)

    def last_position(self) -> int:
        """The position of the last event of the whole log; 0 for none."""
        return self._store.last_position()

    @property
    def place(self) -> str:
        """How a sentence names the store; never with a password."""
        return self._store.place

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- deciding and keeping ---

    def _now(self) -> datetime:
        return in_utc(self._clock())

    def _attributed(self, command: Mapping[str, Any] | Command, by: Principal) -> tuple[Command, datetime]:
        raw = msgspec.to_builtins(command) if isinstance(command, Command) else command
        if not isinstance(raw, (dict, Mapping)):  # dict first: asking an abstract class takes long
            raise Malformed("", "a command is a mapping of its fields")
        now = self._now()
        reported = raw.get("at") if is_report(raw.get("command")) and by.role != "buyer" else None
        stamp = now if reported is None else reported
        return read_command({**raw, "actor": by.role, "actor_id": by.id, "at": stamp}), now

    def _transaction(self, *, hopeful: bool) -> Transaction:
        return Transaction(self._store, self._policy, self._policies, self._shelf, hopeful=hopeful)

    def _preview(self, command: Command, clock: datetime | None) -> Result:
        for _ in range(ATTEMPTS):
            with suppress(Conflict):  # others wrote while it looked
                return Transaction(self._store, self._policy, self._policies).decide(command, clock)
        raise Conflict(f"{command.name} {command.command_id} cannot be previewed: others keep changing its orders")

    def _commit(self, command: Command, clock: datetime | None) -> Result:
        """Decide and append, anew on fresh state as long as others come first."""
        self._keep_policy(command)
        for attempt in range(ATTEMPTS):
            transaction = self._transaction(hopeful=attempt == 0)
            try:
                result = transaction.decide(command, clock)
                transaction.append()
            except Conflict:
                time.sleep(random.uniform(0, 0.001 * min(attempt + 1, 20)))
                continue
            return result
        raise Conflict(
            f"{command.name} {command.command_id} met a conflict {ATTEMPTS} times: others keep changing its orders"
        )

    def _commit_batch(self, batch: list[tuple[int, Result | Command]]) -> Iterator[Result]:
        """Decide a batch in memory and append it as one; where others came first, command by command."""
        transaction = self._transaction(hopeful=True)
        results: list[Result] = []
        try:
            transaction.expect(command for _, command in batch if isinstance(command, Command))
            for number, command in batch:
                if isinstance(command, Command):
                    self._keep_policy(command)
                result = command if isinstance(command, Result) else transaction.decide(command)
                results.append(msgspec.structs.replace(result, line=number))
            transaction.append()
        except Conflict:
            for number, command in batch:
                result = command if isinstance(command, Result) else self._commit(command, None)
                yield msgspec.structs.replace(result, line=number)
            return
        yield from results

    def _keep_policy(self, command: Command) -> None:
        if not self._policy_is_kept and command.name == "place-order":
            self._store.keep_policy(self._policy.version, self._policy_toml)
            self._policy_is_kept = True
