"""Who acts, as the host vouches for it."""

from typing import get_args

from msgspec import Struct

from ..domain.vocabulary import Role

ROLES = get_args(Role)


class Principal(Struct, frozen=True):
    """A role, and for a buyer or seller whose id (left out, it is not checked: AUTH-1)."""

    role: Role
    id: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role {self.role!r} is none of {', '.join(ROLES)}")
