"""The events as Parquet: a folder of columns, a partition for each day of recording."""

from __future__ import annotations

import os
import shutil
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date
from pathlib import Path
from typing import Any

from ...application.errors import StoreError
from ...application.store import Store
from ...application.store.chain import EVENTS
from ...application.store.scan import Row
from ..auditing.bar import bar
from ..exits import OUTPUT_FAILED, WRONG_INPUT, Failure
from .parquet_columns import COLUMNS, FORMAT, PARTITION, Kind, values

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError as error:
    raise Failure("--format parquet needs pyarrow: pip install 'ordertrail[parquet]'") from error

BATCH_ROWS = 1 << 15
OPEN_DAYS = 8
"""Files that are open at once: events are recorded day after day, but for logs whose own times jump."""
NO_DAY = "__HIVE_DEFAULT_PARTITION__"

TYPES: dict[Kind, pa.DataType] = {
    "integer": pa.int64(),
    "text": pa.string(),
    "word": pa.dictionary(pa.int32(), pa.string()),
    "time": pa.timestamp("us", "UTC"),
    "boolean": pa.bool_(),
}
SCHEMA = pa.schema(
    [
        pa.field(name, TYPES[column.kind], metadata={"meaning": column.meaning.replace("`", "")})
        for name, column in COLUMNS.items()
    ],
    metadata={"ordertrail.export": "events", "ordertrail.format": str(FORMAT)},
)
REPEATING = [name for name, column in COLUMNS.items() if column.kind == "word" or name in ("stream", "buyer_id")]
"""Columns whose values come again and again: the file keeps each once."""


def write_parquet(store: str, output: str) -> None:
    """Write every event to a folder, which is there in full or not at all; raises `Failure` where one has files."""
    with closing(Store.open(store, create=False)) as opened:
        last = opened.last_position()
        with _whole_folder(Path(output)) as folder, bar("exporting") as advance, closing(_Days(folder)) as days:
            for rows in _batches(opened, last):
                days.write(_told(row, opened.place) for row in rows)
                advance(rows[-1].position, last)
            if not last:
                days.write_nothing()


def _batches(store: Store, last: int) -> Iterator[list[Row]]:
    for after, up_to in store.evidence().slices(EVENTS, 0, last, BATCH_ROWS):
        yield list(store.scan().rows(after, up_to))


def _told(row: Row, place: str) -> tuple[Any, ...]:
    try:
        return values(row)
    except ValueError as error:
        raise StoreError(f"{place} holds event {row.position} not as it was recorded: {error}") from error


class _Days:
    """Files by day: a part of its day each, and no more of them open than a few."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[str, parquet.ParquetWriter] = OrderedDict()
        self._parts: Counter[str] = Counter()

    def write(self, told: Iterator[tuple[Any, ...]]) -> None:
        """A row group for each day of these rows."""
        days: defaultdict[date, list[tuple[Any, ...]]] = defaultdict(list)
        for row in told:
            days[row[_RECORDED_AT].astimezone(UTC).date()].append(row)
        for day in sorted(days):
            columns = zip(zip(*days[day], strict=True), SCHEMA.types, strict=True)
            arrays = [pa.array(column, kind) for column, kind in columns]
            self._writer(day.isoformat()).write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))

    def write_nothing(self) -> None:
        """A file without rows, so that queries on an empty export find their columns."""
        self._writer(NO_DAY)

    def close(self) -> None:
        """End every file."""
        while self._open:
            self._open.popitem()[1].close()

    def _writer(self, day: str) -> parquet.ParquetWriter:
        writer = self._open.pop(day, None)
        if writer is None:
            if len(self._open) >= OPEN_DAYS:
                self._open.popitem(last=False)[1].close()
            folder = self._folder / f"{PARTITION}={day}"
            folder.mkdir(exist_ok=True)
            file = folder / f"part-{self._parts[day]:05}.parquet"
            self._parts[day] += 1
            writer = parquet.ParquetWriter(file, SCHEMA, compression="zstd", use_dictionary=REPEATING)
        self._open[day] = writer
        return writer


_RECORDED_AT = list(COLUMNS).index("recorded_at")


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path`, which takes its place at the end; raises `Failure` where that is not free."""
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".ordertrail-export-{os.getpid()}")
    status = WRONG_INPUT  # until there is a folder, it is the argument that is wrong
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise Failure(f"{path} is not an empty folder: an export to Parquet is a folder of its own")
        beside.mkdir()
        status = OUTPUT_FAILED
        yield beside
        os.rename(beside, target)  # also over an empty folder, but no other
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}", status) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
