"""What can go wrong outside of the rules.

OrdertrailError
├── StoreError         the store cannot be opened, read or written: one sentence that names it, without its password
│   ├── Conflict       somebody else appended first: decide again on fresh state
│   └── PolicyChanged  the store knows this version of the policy with another content
└── UnknownOrder       there is no such order
    └── UnknownPast    there is, but not at that time or version
"""

from ..domain.errors import OrdertrailError


class StoreError(OrdertrailError):
    """The store cannot be opened, read or written; ``str()`` is one sentence for people."""


class Conflict(StoreError):
    """A stream's version or a command's id is taken: nothing was written, decide again on fresh state."""


class PolicyChanged(StoreError):
    """The same version of a policy with another content (RULEBOOK section 9)."""


class UnknownOrder(OrdertrailError, LookupError):
    """No order has this id."""

    def __init__(self, order_id: str, reason: str | None = None) -> None:
        super().__init__(reason or f"there is no order {order_id}")
        self.order_id = order_id


class UnknownPast(UnknownOrder):
    """The order was not placed yet at that time, or has no such version."""
