"""Signatures of seals: Ed25519, by the library `cryptography`, which comes with the extra `seal`."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING

import msgspec

from .seal import Seal, SealError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def sign(seal: Seal, private_key: bytes) -> Seal:
    """The seal with a signature by a private key in PEM; raises ``SealError``."""
    signature = _private(private_key).sign(seal.signed)
    return msgspec.structs.replace(seal, signature=b64encode(signature).decode())


def require_signature(seal: Seal, public_key: bytes) -> None:
    """Raise ``SealError`` unless the seal was signed by the owner of the public key in PEM, and is as it was then."""
    key = _public(public_key)
    from cryptography.exceptions import InvalidSignature

    if seal.signature is None:
        raise SealError("it is not signed")
    try:
        key.verify(b64decode(seal.signature, validate=True), seal.signed)
    except (InvalidSignature, Base64Error, ValueError):
        raise SealError("its signature does not match: it was altered, or signed with another key") from None


def _private(pem: bytes) -> "Ed25519PrivateKey":
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise _missing() from error
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise SealError("the private key is locked with a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SealError("the file holds no private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealError("the private key is not of the kind Ed25519")
    return key


def _public(pem: bytes) -> "Ed25519PublicKey":
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise _missing() from error
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise SealError("the file holds no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SealError("the public key is not of the kind Ed25519")
    return key


def _missing() -> SealError:
    return SealError("signatures need cryptography: pip install 'ordertrail[seal]'")
