"""Logs of any length, grown from a real one by copying its events in the database: the engine itself would take hours.

Each copy is the same trade a year later, of other orders, parcels and buyers. Only the events are copied, without
commands in the journal: such a store is for those who follow and read.
"""

import re
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
from trade import START, command_log

from ordertrail.application import Orders

REAL_EVENTS = 60_000
"""How many the engine makes itself: long enough that two thousand orders are under way at any moment."""
MARK = "@"
"""In every id that must differ from copy to copy."""
ORDERS_OF_A_BUYER = 10

_COPY = f"""
    INSERT INTO stored_events (originator_id, originator_version, topic, state, digest)
    SELECT replace(originator_id, '{MARK}', :mark), originator_version, topic,
           CAST(replace(replace(state, '{MARK}', :mark), '"{START.year}-', :year) AS BLOB),
           zeroblob(32) -- no chain: nobody verifies a grown store
    FROM stored_events WHERE notification_id <= :real ORDER BY notification_id LIMIT :left
"""


def grow(path: Path, events: int) -> int:
    """Make a store with so many events, or a few more where the engine makes them all; how many it has."""
    have = real = _real(path, min(events, REAL_EVENTS))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-262144")
    for copy in count(1):
        if have >= events:
            break
        values = {"mark": f"{copy}{MARK}", "year": f'"{START.year + copy}-', "real": real, "left": events - have}
        have += connection.execute(_COPY, values).rowcount
    connection.close()
    return have


def _real(path: Path, events: int) -> int:
    made = 0
    with Orders.open(str(path)) as orders:
        for result in orders.run(_lines()):
            made += len(result.events)
            if made >= events:
                return orders.last_position()  # the rest of the batch counts too
    raise AssertionError("the log never ends")


def _lines() -> Iterator[bytes]:
    """Mixed lives, as ``trade`` makes them, of buyers who buy again."""
    number = re.compile(rb"O(\d+)")
    for line in command_log():
        marked = number.sub(rb"O" + MARK.encode() + rb"\1", line)
        if found := number.search(line) if b'"buyer_id"' in line else None:
            command = msgspec.json.decode(marked)
            command["buyer_id"] = f"B{MARK}{int(found[1]) // ORDERS_OF_A_BUYER}"
            marked = msgspec.json.encode(command) + b"\n"
        yield marked
