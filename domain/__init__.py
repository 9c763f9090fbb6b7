"""What is true and what is allowed: commands, rules, events and the state that they fold to.

Pure: no clock, no ids made, no I/O, no randomness. ``decide`` turns a command into events, ``fold`` turns events into
state; the store, the clock and the outside world are other rooms' affair.
"""

from .case import Case, Streams
from .commands import Command, canonical, is_report, parse
from .deadlines import next_deadline
from .decide import Outcome, decide, same_content, streams_made, streams_named
from .errors import IllegalMove, InvalidPolicy, Malformed, OrdertrailError, Rejection
from .events import Event, OrderEvent, ShipmentEvent, decode, encode
from .evolve import fold, fold_as_of
from .options import options
from .order import Order
from .policy import Policy, default_policy_toml, policy_digest
from .rules import RULES, Rule
from .shipment import Shipment, fold_shipment
from .units import Unit

__all__ = [
    "RULES",
    "Case",
    "Command",
    "Event",
    "IllegalMove",
    "InvalidPolicy",
    "Malformed",
    "Order",
    "OrderEvent",
    "OrdertrailError",
    "Outcome",
    "Policy",
    "Rejection",
    "Rule",
    "Shipment",
    "ShipmentEvent",
    "Streams",
    "Unit",
    "canonical",
    "decide",
    "decode",
    "default_policy_toml",
    "encode",
    "fold",
    "fold_as_of",
    "fold_shipment",
    "is_report",
    "next_deadline",
    "options",
    "parse",
    "policy_digest",
    "same_content",
    "streams_made",
    "streams_named",
]
