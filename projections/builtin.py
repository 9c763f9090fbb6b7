"""The read models that ordertrail brings."""

from .exceptions import Exceptions
from .inbox import Inbox
from .ledger import Ledger
from .orders import OrderList
from .projection import Projection
from .refunds import Refunds
from .shipments import Shipments


def builtin_projections() -> list[Projection]:
    """All of them, the ledger first."""
    return [Ledger(), Refunds(), Shipments(), OrderList(), Inbox(), Exceptions()]
