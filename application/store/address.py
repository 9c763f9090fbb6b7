"""What a store's address means: a SQLite file, memory, or a PostgreSQL database."""

import uuid
from pathlib import Path

import msgspec

from ..errors import StoreError

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
MEMORY = ("memory:", ":memory:", "sqlite://", "sqlite:///:memory:")


class SqliteAddress(msgspec.Struct, frozen=True):
    """`uri` is for SQLite, `place` for people."""

    uri: str
    place: str


def is_postgres(url: str) -> bool:
    return url.startswith(POSTGRES)


def require_store(url: str) -> None:
    """For those who only read: a file that is not there is not made."""
    if is_postgres(url) or url in MEMORY:
        return
    path = Path(url.removeprefix(SQLITE))
    if not path.exists():
        raise StoreError(f"there is no store at {path}")


def sqlite_address(url: str) -> SqliteAddress:
    """A path, `sqlite:///path`, `sqlite:////absolute/path` or `memory:`; what cannot be a file is refused here."""
    if url in MEMORY:
        name = f"ordertrail-{uuid.uuid4()}"  # each its own database; the name lets several connections share it
        return SqliteAddress(f"file:{name}?mode=memory&cache=shared", "the store in memory")
    text = url.removeprefix(SQLITE)
    if "://" in text or not text or "\0" in text:
        scheme = text.partition("://")[0] + "://" if "://" in text else repr(text)
        raise StoreError(f"{scheme} is no address of a store: a path, sqlite:///path, postgresql://… or memory: is")
    path = Path(text)
    try:
        if path.is_dir():
            raise StoreError(f"{path} is a folder, not an ordertrail store")
        if not path.absolute().parent.is_dir():
            raise StoreError(f"{path} cannot be opened: there is no folder {path.parent}")
    except OSError as error:  # such as a folder that may not be searched
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from error
    return SqliteAddress(f"{path.absolute().as_uri()}?mode=rwc", str(path))
