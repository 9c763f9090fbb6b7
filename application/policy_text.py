"""A policy as the store keeps it: text, from whatever the host names it by."""

import json
from pathlib import Path
from typing import Any

import msgspec

from ..domain import InvalidPolicy, Policy, default_policy_toml


def policy_text(policy: str | Path | Policy | None) -> str:
    """TOML that is a valid policy: a file's, a ``Policy``'s own, or the packaged one's.

    Raises ``InvalidPolicy`` with one sentence that names the file and the field.
    """
    if policy is None or policy == Policy.default():
        return default_policy_toml()
    if isinstance(policy, Policy):
        return "".join(f"{key} = {_inline(value)}\n" for key, value in msgspec.to_builtins(policy).items())
    try:
        text = Path(policy).read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidPolicy(f"the policy file {policy} cannot be read: {reason}") from None
    try:
        Policy.from_toml(text)
    except InvalidPolicy as error:
        raise InvalidPolicy(f"{policy}: {error}") from None
    return text


def _inline(value: Any) -> str:
    """A value in TOML: as in JSON, but for tables."""
    if isinstance(value, dict):
        pairs = [f"{_inline(key)} = {_inline(inner)}" for key, inner in value.items() if inner is not None]
        return "{" + ", ".join(pairs) + "}"
    return json.dumps(value, ensure_ascii=False)
