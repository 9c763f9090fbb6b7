"""What a store's address means: a SQLite file, memory, or a PostgreSQL database."""

import os
import re
import uuid
from pathlib import Path

import msgspec

from ..errors import StoreError

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
MEMORY = ("memory:", ":memory:", "sqlite://", "sqlite:///:memory:")
WRITING = "mode=rw"
SCHEME = re.compile(r"(sqlite|postgres|postgresql|memory|file):/*|[a-z][a-z0-9+.-]+:/+", re.IGNORECASE)
"""How an address begins that is not meant as a path."""


class SqliteAddress(msgspec.Struct, frozen=True):
    """`uri` is for SQLite, `place` for people; `read_only`: the file may not be written."""

    uri: str
    place: str
    read_only: bool = False


def is_postgres(url: str) -> bool:
    """Whether the address is a PostgreSQL database's; else it is a SQLite file's, or memory."""
    return url.startswith(POSTGRES)


def sqlite_address(url: str, *, create: bool) -> SqliteAddress:
    """A path, `sqlite:///path`, `sqlite:////absolute/path` or `memory:`; what cannot be a file is refused here.

    Without `create`, so is a file that is not there; one that may not be written is then read as it is.
    """
    if url in MEMORY:
        name = f"ordertrail-{uuid.uuid4()}"  # each its own database; the name lets several connections share it
        return SqliteAddress(f"file:{name}?mode=memory&cache=shared", "the store in memory")
    text = url.removeprefix(SQLITE)
    scheme = None if url.startswith(SQLITE) else SCHEME.match(text)
    if scheme or "://" in text or not text or "\0" in text:
        # Of what follows a scheme nothing is said: it may hold a password.
        said = scheme[0] if scheme else text.partition("://")[0] + "://" if "://" in text else repr(text)
        raise StoreError(f"{said} is no address of a store: a path, sqlite:///path, postgresql://… or memory: is")
    path = Path(text)
    try:
        if not create and not path.exists():
            raise StoreError(f"there is no store at {path}")
        if path.is_dir():
            raise StoreError(f"{path} is a folder, not an ordertrail store")
        if not path.absolute().parent.is_dir():
            raise StoreError(f"{path} cannot be opened: there is no folder {path.parent}")
    except OSError as error:  # such as a folder that may not be searched
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from error
    if create:
        return SqliteAddress(f"{path.absolute().as_uri()}?mode=rwc", str(path))
    how = _mode(path)
    return SqliteAddress(f"{path.absolute().as_uri()}?{how}", str(path), read_only=how != WRITING)


def _mode(path: Path) -> str:
    """How a file that is there is opened: SQLite reads a write-ahead log's one only with files beside it.

    Where those can neither be made nor are there, nobody writes, and the file is read as it is.
    """
    if not _may_write(path.absolute().parent) and not Path(f"{path}-wal").exists():
        return "mode=ro&immutable=1"
    return WRITING if _may_write(path) else "mode=ro"


def _may_write(path: Path) -> bool:
    """False also on a file system that is read-only."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
