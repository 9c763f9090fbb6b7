"""What can go wrong with a read model.

OrdertrailError
└── ProjectionError            one clear sentence in ``str()``
    ├── DatabaseUnavailable    the projections' database cannot be reached, or written; trying again may help
    ├── NotBuilt               the projection has no rows yet
    ├── NeedsRebuild           its rows were made by another version of it
    │   ├── Diverged           its rows know events that the store does not have
    │   └── UnreadableRow      somebody damaged one of its rows
    └── ProjectionFailed       it stopped at an event that it cannot handle
"""

from ..domain import OrdertrailError


class ProjectionError(OrdertrailError):
    """The base of all."""


class DatabaseUnavailable(ProjectionError):
    """The database of the projections does not answer."""


class NotBuilt(ProjectionError):
    """Nobody has followed the events for this projection yet."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the projection {name} has not been built yet: catch it up first")
        self.name = name


class NeedsRebuild(ProjectionError):
    """Its rows have another shape or meaning than the code that would read them."""

    def __init__(self, name: str, because: str = "was made by another version") -> None:
        super().__init__(f"the projection {name} {because} and must be rebuilt")
        self.name = name


class Diverged(NeedsRebuild):
    """The events that made its rows are not, or no longer, those of the store that it shall follow."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "knows events that the store does not have (restored from a backup, or another one?)")


class UnreadableRow(NeedsRebuild):
    """One of its rows does not hold what this projection writes: somebody else wrote it."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "has a row that cannot be read")


class ProjectionFailed(ProjectionError):
    """It stopped at the event at ``position``."""

    def __init__(self, name: str, position: int, event: str, why: str) -> None:
        super().__init__(f"the projection {name} stopped at position {position} ({event}): {why}")
        self.name = name
        self.position = position
        self.event = event
        self.why = why
