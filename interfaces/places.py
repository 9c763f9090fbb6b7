"""Where a call found its store and its read models, as arguments of another call; a password is never among them."""

from __future__ import annotations

import os
import shlex
from urllib.parse import parse_qsl

from .parameters import DEFAULT_STORE, READ_MODELS_VARIABLE


def store_argument(store: str) -> str:
    """What a call needs to find the store again; a password is never printed."""
    if store == (os.environ.get("ORDERTRAIL_STORE") or DEFAULT_STORE):
        return ""
    return ' --store "$ORDERTRAIL_STORE"' if has_password(store) else f" --store {shlex.quote(store)}"


def where_argument(store: str, read_models: str | None) -> str:
    """What a call needs to find the store and its read models again."""
    if read_models is None or read_models == os.environ.get(READ_MODELS_VARIABLE):
        return store_argument(store)
    place = f'"${READ_MODELS_VARIABLE}"' if has_password(read_models) else shlex.quote(read_models)
    return f"{store_argument(store)} --read-models {place}"


def has_password(store: str) -> bool:
    """Whether an address holds one, before its `@` or among its parameters."""
    if not store.startswith(("postgresql://", "postgres://")):
        return False
    user = store.partition("//")[2].rpartition("@")[0]
    query = store.partition("?")[2]
    return ":" in user or any("password" in name.lower() for name, _ in parse_qsl(query, keep_blank_values=True))
