"""An OCEL 2.0 file, as JSON or SQLite by its suffix: there in full or not at all."""

import os
import sqlite3
from pathlib import Path

from ..auditing.bar import bar
from ..exits import OUTPUT_FAILED, Failure
from .ocel_json import ocel_json
from .ocel_sqlite import Log, ocel_database
from .output import replacing, write

JSON_SUFFIXES = (".json", ".jsonocel")
SQLITE_SUFFIXES = (".sqlite",)


def write_ocel(log: Log, output: str) -> None:
    """Write the whole log to a file, which keeps its former content until all is written; raises `Failure`."""
    suffix = Path(output).suffix.lower()
    if suffix not in (*JSON_SUFFIXES, *SQLITE_SUFFIXES):
        endings = ", ".join((*JSON_SUFFIXES, *SQLITE_SUFFIXES))
        raise Failure(f"{output}: the name of an OCEL 2.0 file tells its format: it ends with one of {endings}")
    try:
        with bar("exporting") as advance:
            if suffix in JSON_SUFFIXES:
                with ocel_database("", log, advance) as database:
                    write(ocel_json(database), output)
            else:
                with replacing(Path(os.path.realpath(output)), output) as file, ocel_database(file.name, log, advance):
                    pass
    except sqlite3.Error as error:  # of the file: the store's own are StoreErrors
        raise Failure(f"{output}: {error}", OUTPUT_FAILED) from error
