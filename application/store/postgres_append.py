"""The statement by which PostgreSQL appends: rows, numbers and digests in one.

It makes the digests of `chain`, on the server: to look first what the rows are linked to would take a third longer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .chain import EVENTS, JOURNAL, Chain
from .entries import COLUMNS, JournalEntry, microseconds, to_row
from .mapper import EventRow
from .records import EVENTS_TABLE

# `chained(start, content)` over rows in their order gives each row's digest; `start` is the digest before the first.
CREATE_CHAINED = [
    "CREATE FUNCTION link(previous bytea, start bytea, content bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE"
    " AS 'BEGIN RETURN sha256(coalesce(previous, start) || content); END'",
    "CREATE AGGREGATE chained(bytea, bytea) (sfunc = link, stype = bytea)",
]


def _digest(chain: Chain, kinds: str) -> str:
    """The digest of a row, as `chain` says; `kinds` are the types of its columns."""
    columns = list(zip([chain.number, *chain.columns.split(", ")], kinds.split(), strict=True))
    encoded = {"text": "convert_to({}, 'UTF8')", "bytea": "{}"}
    numbers = [f"int8send({name if kind == 'bigint' else f'octet_length({name})'})" for name, kind in columns]
    content = " || ".join(numbers + [encoded[kind].format(name) for name, kind in columns if kind in encoded])
    last = f"SELECT digest FROM {chain.table} ORDER BY {chain.number} DESC LIMIT 1"
    start = f"coalesce(({last}), decode(repeat('00', 32), 'hex'))"
    return f"chained({start}, {content}) OVER (ORDER BY {chain.number})"


EVENT_DIGEST = _digest(EVENTS, "bigint text bigint text bytea")
ENTRY_DIGEST = _digest(JOURNAL, "bigint text bytea bytea text bigint bigint bytea bytea bigint")
# Everything in one prepared statement with one parameter, whatever there is to record: dumping arrays, or executing a
# statement for each table, costs the driver more than the database. ORDER BY gives the rows their numbers in our order.
# All who append hold the lock on the events: nobody else adds a row between the last one and ours. A transaction that
# fails leaves a gap in the events' positions.
APPEND = f"""
WITH given AS (SELECT %b::jsonb AS document),
last AS (SELECT coalesce(max(entry), 0) AS entry FROM journal),
numbered AS (
    SELECT nextval('{EVENTS_TABLE}_notification_id_seq') AS notification_id, r->>0 AS originator_id,
        (r->>1)::bigint AS originator_version, r->>2 AS topic, decode(r->>3, 'base64') AS state
    FROM given, jsonb_array_elements(document->'events') WITH ORDINALITY AS rows (r, n) ORDER BY n
),
events AS (
    INSERT INTO {EVENTS_TABLE} (notification_id, {EVENTS.columns}, digest)
    SELECT notification_id, {EVENTS.columns}, {EVENT_DIGEST} FROM numbered RETURNING notification_id
),
journaled AS (
    SELECT last.entry + n AS entry, r->>0 AS command_id, decode(r->>1, 'base64') AS command,
        decode(r->>2, 'base64') AS outcome, r->>3 AS status, (r->>4)::bigint AS at_us,
        (r->>5)::bigint AS recorded_at_us, decode(r->>6, 'base64') AS basis, decode(r->>7, 'base64') AS attempts,
        (r->>8)::bigint AS reused
    FROM given, last, jsonb_array_elements(document->'journal') WITH ORDINALITY AS rows (r, n)
),
entries AS (
    INSERT INTO journal (entry, {COLUMNS}, digest) SELECT entry, {COLUMNS}, {ENTRY_DIGEST} FROM journaled RETURNING 1
),
tried AS (
    INSERT INTO attempts (order_id, entry) SELECT r->>0, last.entry + (r->>1)::bigint
    FROM given, last, jsonb_array_elements(document->'attempts') AS rows (r) RETURNING 1
),
due AS (
    INSERT INTO deadlines (order_id, due_us) SELECT r->>0, (r->>1)::bigint
    FROM given, jsonb_array_elements(document->'deadlines') AS rows (r)
    ON CONFLICT (order_id) DO UPDATE SET due_us = excluded.due_us RETURNING 1
),
done AS (
    DELETE FROM deadlines WHERE order_id IN (SELECT jsonb_array_elements_text(document->'done') FROM given)
)
SELECT (SELECT coalesce(array_agg(notification_id ORDER BY notification_id), '{{}}') FROM events),
    (SELECT count(*) FROM entries), (SELECT count(*) FROM tried), (SELECT count(*) FROM due)
"""


def rows_of(
    events: Sequence[EventRow], entries: Sequence[JournalEntry], deadlines: Mapping[str, datetime | None]
) -> dict[str, list[Any]]:
    """The document of APPEND: rows by table, and the orders that have no deadline any more."""
    return {
        "events": list(events),
        "journal": [to_row(entry) for entry in entries],
        "attempts": [(order_id, n) for n, entry in enumerate(entries, start=1) for order_id in entry.attempts],
        "deadlines": [(order_id, microseconds(at)) for order_id, at in deadlines.items() if at is not None],
        "done": [order_id for order_id, at in deadlines.items() if at is None],
    }
