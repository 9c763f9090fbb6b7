"""A seal: how long a store's chains were at one moment, and how they ended. Kept elsewhere, it holds the past fast."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta, Struct

from ...domain.errors import OrdertrailError
from ..store.chain import CHAINS, EVENTS, JOURNAL, Chain
from ..store.evidence import Evidence
from .links import Named, name
from .tampering import Finding, Verified, text

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # what a column can hold
Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Moment = Annotated[datetime, Meta(tz=True)]


class SealError(OrdertrailError):
    """A seal or a key that cannot be used; ``str()`` is one sentence for people."""


class EventsEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """How many events there were, and the position and digest of the last; both 0 for none."""

    count: Count
    number: Count = msgspec.field(name="position")
    digest: Hex


class JournalEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """How many journal entries there were, and the number and digest of the last; both 0 for none."""

    count: Count
    number: Count = msgspec.field(name="entry")
    digest: Hex


class Seal(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a store held ``at`` a moment; ``policies`` by version, as SHA-256 of their content."""

    seal: Literal[1]
    at: Moment
    events: EventsEnd
    journal: JournalEnd
    policies: dict[str, Hex]
    signature: str | None = None  # Ed25519 of the JSON without it, in base64

    @classmethod
    def of(cls, evidence: Evidence, at: datetime) -> Self:
        """The seal of a store as it is now; raises ``SealError`` where its digests are none."""
        heads = zip(CHAINS, evidence.heads(), strict=True)
        events, journal = ((evidence.count(chain, h.number), h.number, h.digest.hex()) for chain, h in heads)
        policies = {version: digest for version, _, digest in evidence.policies()}
        seal = cls(1, at, EventsEnd(*events), JournalEnd(*journal), policies)
        try:
            return msgspec.convert(msgspec.to_builtins(seal), cls)
        except msgspec.ValidationError as error:
            raise SealError(f"the store cannot be sealed, only verified: {error}") from None

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """The seal in a file's bytes, its time in UTC; raises ``SealError``."""
        try:
            seal = msgspec.json.decode(content, type=cls)
            return msgspec.structs.replace(seal, at=seal.at.astimezone(UTC))
        except OverflowError:
            raise SealError(f"it is no seal of this version: {seal.at} is no time in UTC - at `$.at`") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SealError(f"it is no seal of this version: {error}") from None

    def to_json(self) -> bytes:
        """The seal on one line."""
        return msgspec.json.encode(self)

    @property
    def signed(self) -> bytes:
        """What a signature is of."""
        return msgspec.structs.replace(self, signature=None).to_json()


def against_seal(evidence: Evidence, seal: Seal, placed: Named) -> Verified:
    """Whether the store still begins with what was sealed; it may have grown since.

    ``placed``: the policies that orders were placed under, and the first event of each.
    """
    verified = Verified()
    for chain, end in ((EVENTS, seal.events), (JOURNAL, seal.journal)):
        if said := _differs(evidence, chain, end):
            verified.add(Finding("not-as-sealed", chain.table, end.number, None, said))
    kept = {version: digest for version, _, digest in evidence.policies()}
    for version, digest in seal.policies.items():
        if kept.get(version) != digest:
            what = "was sealed with another content" if version in kept else "is gone"
            verified.add(Finding("not-as-sealed", "policies", None, version, f"policy {version} {what}"))
    for version, position in placed.items():
        if position <= seal.events.number and version not in seal.policies:
            said = f"policy {text(version)}, which {name(EVENTS, position)} was placed under, was not there when sealed"
            verified.add(Finding("not-as-sealed", "policies", None, text(version), said))
    return verified


def _differs(evidence: Evidence, chain: Chain, end: EventsEnd | JournalEnd) -> str | None:
    last, digest = evidence.last(chain, end.number)
    if last < end.number:
        return f"{name(chain, end.number)}, which the seal tells of, is gone: the log was cut off, or is an older one"
    if not isinstance(digest, bytes) or digest.hex() != end.digest:
        return f"{name(chain, end.number)} was sealed with another digest: it or what is before it is another log"
    if (count := evidence.count(chain, end.number)) != end.count:
        return f"up to {name(chain, end.number)} there are {count} rows, where {end.count} were sealed"
    return None
