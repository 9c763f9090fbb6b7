"""Why is this so? For an order, request, return, refund or claim: the chain back to the command or deadline behind it.

``explain`` builds it as data, ``in_words`` says it so that a buyer can read it.
"""

from .explanation import (
    ClaimExplained,
    Explanation,
    OrderExplained,
    RefundExplained,
    RequestExplained,
    ReturnExplained,
    Unreadable,
)
from .find import UnknownId, explain
from .letter import Section, in_words

__all__ = [
    "ClaimExplained",
    "Explanation",
    "OrderExplained",
    "RefundExplained",
    "RequestExplained",
    "ReturnExplained",
    "Section",
    "UnknownId",
    "Unreadable",
    "explain",
    "in_words",
]
