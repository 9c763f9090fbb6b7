"""What an append on PostgreSQL asks and says: one look at the rows to link to, and one statement that inserts all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from .chain import EVENTS, JOURNAL, START, Row
from .entries import COLUMNS, JournalEntry, microseconds, to_row
from .mapper import EventRow
from .records import EVENTS_TABLE

# What the rows to come are linked to, and their numbers; asked by those who hold the lock on the events, so that nobody
# else adds a row between these and ours. A transaction that fails leaves a gap in the events' positions.
HEADS = f"""
SELECT ARRAY(SELECT nextval('{EVENTS_TABLE}_notification_id_seq') FROM generate_series(1, {{count}})),
    (SELECT digest FROM {EVENTS_TABLE} ORDER BY notification_id DESC LIMIT 1),
    (SELECT max(entry) FROM journal), (SELECT digest FROM journal ORDER BY entry DESC LIMIT 1)
"""
# Everything in one prepared statement with one parameter, whatever there is to record: dumping arrays, or executing a
# statement for each table, costs the driver more than the database. ORDER BY gives the rows their places in our order.
APPEND = f"""
WITH given AS (SELECT %b::jsonb AS document),
events AS (
    INSERT INTO {EVENTS_TABLE} (notification_id, {EVENTS.columns}, digest)
    SELECT (r->>0)::bigint, r->>1, (r->>2)::bigint, r->>3, decode(r->>4, 'base64'), decode(r->>5, 'base64')
    FROM given, jsonb_array_elements(document->'events') WITH ORDINALITY AS rows (r, n) ORDER BY n
    RETURNING 1
),
entries AS (
    INSERT INTO journal (entry, {COLUMNS}, digest)
    SELECT (r->>0)::bigint, r->>1, decode(r->>2, 'base64'), decode(r->>3, 'base64'), r->>4, (r->>5)::bigint,
        (r->>6)::bigint, decode(r->>7, 'base64'), decode(r->>8, 'base64'), (r->>9)::smallint, decode(r->>10, 'base64')
    FROM given, jsonb_array_elements(document->'journal') WITH ORDINALITY AS rows (r, n) ORDER BY n
    RETURNING 1
),
tried AS (
    INSERT INTO attempts (order_id, entry) SELECT r->>0, (r->>1)::bigint
    FROM given, jsonb_array_elements(document->'attempts') AS rows (r) RETURNING 1
),
due AS (
    INSERT INTO deadlines (order_id, due_us) SELECT r->>0, (r->>1)::bigint
    FROM given, jsonb_array_elements(document->'deadlines') AS rows (r)
    ON CONFLICT (order_id) DO UPDATE SET due_us = excluded.due_us RETURNING 1
),
done AS (
    DELETE FROM deadlines WHERE order_id IN (SELECT jsonb_array_elements_text(document->'done') FROM given)
)
SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM entries), (SELECT count(*) FROM tried),
    (SELECT count(*) FROM due)
"""


class Heads(NamedTuple):
    """The positions that the next events get, and the last rows that they and the next entries are linked to."""

    positions: list[int]
    event_digest: bytes | None
    entry: int | None
    entry_digest: bytes | None


class Asked(NamedTuple):
    """What is to be recorded, as far as it can be said before it is known what it will be linked to."""

    events: Sequence[EventRow]
    journal: Sequence[Row]
    attempts: Sequence[tuple[str, ...]]  # by entry
    deadlines: Mapping[str, int | None]  # microseconds since 1970 UTC

    @classmethod
    def of(
        cls, events: Sequence[EventRow], entries: Sequence[JournalEntry], deadlines: Mapping[str, datetime | None]
    ) -> Self:
        due = {order_id: None if at is None else microseconds(at) for order_id, at in deadlines.items()}
        return cls(events, [to_row(entry) for entry in entries], [entry.attempts for entry in entries], due)

    def linked(self, heads: Heads) -> dict[str, list[Any]]:
        """The document of APPEND: rows by table, and the orders that have no deadline any more."""
        first = (heads.entry or 0) + 1
        numbers = range(first, first + len(self.journal))
        return {
            "events": EVENTS.link(heads.event_digest or START, heads.positions, self.events),
            "journal": JOURNAL.link(heads.entry_digest or START, numbers, self.journal),
            "attempts": [(order_id, n) for n, tried in zip(numbers, self.attempts, strict=True) for order_id in tried],
            "deadlines": [(order_id, due) for order_id, due in self.deadlines.items() if due is not None],
            "done": [order_id for order_id, due in self.deadlines.items() if due is None],
        }
