"""Commands decided together in memory and appended as one: each sees what the ones before it did."""

from collections.abc import Iterable
from datetime import datetime

from ..domain import Case, Command, Event, Policy, canonical, decide, same_content, streams_made
from .aggregates import Policies, Shelf, WorkingSet
from .errors import StoreError
from .results import Result, decided, read_result, repeated
from .store import JournalEntry, Store


class Transaction:
    """Not appended, it leaves no trace; that is what a preview is.

    ``hopeful``: it asks the store neither whether a command is new nor whether what lies on the shelf is still current.
    Appending finds out, and then it is a ``Conflict``.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        policies: Policies,
        shelf: Shelf | None = None,
        *,
        hopeful: bool = False,
    ) -> None:
        self._store = store
        self._policy = policy
        self._hopeful = hopeful
        self._working = WorkingSet(store, policies, shelf, hopeful=hopeful)
        self._said: dict[str, list[JournalEntry]] = {}
        """What is known to have been said under a command id, the first first."""
        self._entries: list[JournalEntry] = []
        self.events: list[Event] = []
        """What was decided makes these, in this order."""

    def expect(self, commands: Iterable[Command]) -> None:
        """Ask the store at once for what deciding these commands will need."""
        commands = list(commands)
        said = self._store.entries({command.command_id for command in commands})
        self._said.update({c.command_id: [said[c.command_id]] if c.command_id in said else [] for c in commands})
        self._working.expect(command for command in commands if command.command_id not in said)

    def decide(self, command: Command, clock: datetime | None = None) -> Result:
        """The answer to a command that has its time; without a ``clock`` the command's time is the clock (TIME-3).

        Raises ``Conflict`` where others wrote while it looked, so that nothing could be decided.
        """
        assert command.at is not None
        content = canonical(command)
        said = self._said.get(command.command_id)
        if self._hopeful and said is None:
            self._working.suppose_new(streams_made(command))
        if said is None:
            first = None if self._hopeful else self._store.entry(command.command_id)
            said = self._said[command.command_id] = [] if first is None else [first]
        if said and same_content(said[0].command, content):
            return repeated(command, said[0].outcome)
        if said and (again := self._rejected_before(command, content)) is not None:
            return again
        self._working.basis = {}
        case = Case(
            self._working,
            command,
            policy=self._policy,
            at=command.at,
            recorded_at=clock or command.at,
            actor=command.actor,
            actor_id=command.actor_id,
            clock=clock,
        )
        try:
            outcome = decide(case, command, reused=bool(said))
        except StoreError:
            raise
        except Exception:
            self._working.require_unchanged()  # then it is a bug
            raise
        result = decided(command, outcome)
        self._working.absorb(case)
        self.events += outcome.events
        entry = journaled(
            command, content, result, recorded_at=case.recorded_at, basis=self._working.basis, reused=bool(said)
        )
        said.append(entry)
        self._entries.append(entry)
        return result

    def append(self) -> None:
        """Make it durable, as one; raises ``Conflict`` where others came first, and then nothing has happened.

        Others came first too where they changed what was only looked at: a no is as true as a yes when it is kept.
        """
        if self._entries:
            looked_at = self._working.only_looked_at(self.events)
            self._store.append(self.events, self._entries, self._working.deadlines, unchanged=looked_at)
        self._working.put_back()

    def _rejected_before(self, command: Command, content: bytes) -> Result | None:
        """ORDER-0 was said to this before: it is answered the same, and not kept once more."""
        for entry in (*self._store.entries_reusing(command.command_id), *self._said[command.command_id]):
            if entry.reused and same_content(entry.command, content):
                return read_result(entry.outcome)
        return None


def journaled(
    command: Command, content: bytes, result: Result, *, recorded_at: datetime, basis: dict[str, int], reused: bool
) -> JournalEntry:
    """What the journal keeps of a decision; ``content`` is the canonical command."""
    assert command.at is not None
    return JournalEntry(
        command_id=command.command_id,
        command=content,
        outcome=result.to_json(),
        status=result.status,
        at=command.at,
        recorded_at=recorded_at,
        basis=basis,
        attempts=() if result.status == "accepted" else tuple(result.order_ids),
        reused=reused,
    )
