"""Seals: what they hold, how they are signed, and which files are none."""

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from forger import AT, opened, seal_of
from ordertrail.application import Orders
from ordertrail.application.audit.seal import Seal, SealError
from ordertrail.application.audit.signature import require_signature, sign
from ordertrail.application.audit.verify import verify
from recorded_log import recorded_log
from shop import MARKETPLACE, placing


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with Orders.open(tmp_path / "shop.db") as orders:
        list(orders.run(recorded_log(5).splitlines()))
    return tmp_path / "shop.db"


def pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey, lock: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock or NoEncryption())


def public_pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


OURS = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)


# --- what it holds ----------------------------------------------------------------------------------------------------


def test_a_seal_holds_counts_ends_and_policies_and_comes_back_from_its_line(shop: Path) -> None:
    seal = seal_of(shop)
    with opened(shop) as connection:
        ((position, event),) = connection.execute(
            "SELECT notification_id, hex(digest) FROM stored_events ORDER BY 1 DESC LIMIT 1"
        )
        ((entry, of_entry),) = connection.execute("SELECT entry, hex(digest) FROM journal ORDER BY 1 DESC LIMIT 1")
        ((events,),) = connection.execute("SELECT count(*) FROM stored_events")
        policies = dict(connection.execute("SELECT version, sha256 FROM policies"))
    assert json.loads(seal.to_json()) == {
        "seal": 1,
        "at": "2026-01-05T10:00:00Z",
        "events": {"count": events, "position": position, "digest": event.lower()},
        "journal": {"count": entry, "entry": entry, "digest": of_entry.lower()},
        "policies": policies,
    }
    assert Seal.from_json(seal.to_json()) == seal


def test_an_empty_log_is_sealed_and_may_grow(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Orders.open(path).close()
    seal = seal_of(path)
    assert (seal.events.count, seal.events.number, seal.events.digest) == (0, 0, "0" * 64)
    assert verify(str(path), seal=seal).found.total() == 0
    with Orders.open(path) as orders:
        orders.handle(placing(), by=MARKETPLACE)
    assert verify(str(path), seal=seal).found.total() == 0


def test_a_sealed_log_may_grow_and_is_held_fast_up_to_the_seal(shop: Path) -> None:
    seal = seal_of(shop)
    with Orders.open(shop) as orders:
        orders.handle(placing("later"), by=MARKETPLACE)
    assert verify(str(shop), seal=seal).found.total() == 0


@pytest.mark.parametrize("table", ["events", "journal"])
@pytest.mark.parametrize("field", ["count", "number", "digest"])
def test_a_seal_of_another_log_is_a_finding(shop: Path, table: str, field: str) -> None:
    seal = seal_of(shop)
    end = getattr(seal, table)
    other = msgspec.structs.replace(end, **{field: "f" * 64 if field == "digest" else getattr(end, field) - 1})
    (found,) = verify(str(shop), seal=msgspec.structs.replace(seal, **{table: other})).findings
    assert found.kind == "not-as-sealed"
    assert found.table == {"events": "stored_events"}.get(table, table)


def test_a_store_whose_last_digest_is_none_cannot_be_sealed(shop: Path) -> None:
    with opened(shop) as connection:
        connection.execute("UPDATE journal SET digest = x'00' WHERE entry = (SELECT max(entry) FROM journal)")
    with pytest.raises(SealError, match="the store cannot be sealed"):
        seal_of(shop)


# --- what is none ---------------------------------------------------------------------------------------------------


def altered(seal: Seal, table: str, **changed: object) -> bytes:
    fields = json.loads(seal.to_json())
    (fields[table] if table else fields).update(changed)
    return json.dumps(fields).encode()


@pytest.mark.parametrize("number", [2**63, 2**64 + 5, 10**30, -1])
@pytest.mark.parametrize(("table", "field"), [("events", "position"), ("events", "count"), ("journal", "entry")])
def test_a_number_that_no_column_holds_is_no_seals(shop: Path, table: str, field: str, number: int) -> None:
    with pytest.raises(SealError, match="it is no seal of this version: .*" + field):
        Seal.from_json(altered(seal_of(shop), table, **{field: number}))


def test_the_greatest_number_is_one_that_the_log_does_not_have(shop: Path) -> None:
    seal = Seal.from_json(altered(seal_of(shop), "events", position=2**63 - 1))
    (found,) = verify(str(shop), seal=seal).findings
    assert "is gone" in found.said


@pytest.mark.parametrize("at", ["2026-01-05T10:00:00", "0001-01-01T00:00:00+05:30", "9999-12-31T23:59:59-05:30", "now"])
def test_a_time_without_an_offset_or_outside_of_all_years_is_no_seals(shop: Path, at: str) -> None:
    with pytest.raises(SealError, match=r"it is no seal of this version: .*at"):
        Seal.from_json(altered(seal_of(shop), "", at=at))


def test_a_time_of_another_zone_is_read_in_utc(shop: Path) -> None:
    assert Seal.from_json(altered(seal_of(shop), "", at="2026-01-05T15:30:00+05:30")) == seal_of(shop)


def test_a_digest_with_a_line_end_is_none(shop: Path) -> None:
    with pytest.raises(SealError):
        Seal.from_json(altered(seal_of(shop), "events", digest="0" * 64 + "\n"))


# --- signed -----------------------------------------------------------------------------------------------------------


def test_a_signed_seal_is_known_by_the_public_key(shop: Path) -> None:
    signed = sign(seal_of(shop), pem(OURS))
    require_signature(Seal.from_json(signed.to_json()), public_pem(OURS))


def test_what_is_signed_is_the_line_without_the_signature(shop: Path) -> None:
    line = sign(seal_of(shop), pem(OURS)).to_json()
    fields = json.loads(line)
    del fields["signature"]
    without = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    assert without == Seal.from_json(line).signed == seal_of(shop).to_json()


def test_a_seal_that_was_altered_or_signed_by_another_is_refused(shop: Path) -> None:
    seal = sign(seal_of(shop), pem(OURS))
    later = msgspec.structs.replace(seal, at=AT + timedelta(1))
    grown = msgspec.structs.replace(seal, events=msgspec.structs.replace(seal.events, count=1))
    cut = msgspec.structs.replace(seal, policies={})
    forged = sign(msgspec.structs.replace(seal, signature=None), pem(OTHER))
    spoilt = [msgspec.structs.replace(seal, signature=text) for text in ("", "no base64", "AAAA", "ä")]
    for altered in (later, grown, cut, forged, *spoilt):
        with pytest.raises(SealError, match="its signature does not match"):
            require_signature(altered, public_pem(OURS))
    with pytest.raises(SealError, match="it is not signed"):
        require_signature(seal_of(shop), public_pem(OURS))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (b"", "holds no private key in PEM"),
        (public_pem(OURS), "holds no private key in PEM"),
        (pem(RSA), "is not of the kind Ed25519"),
        (pem(OURS, BestAvailableEncryption(b"secret")), "is locked with a passphrase"),
    ],
    ids=["empty", "public", "rsa", "locked"],
)
def test_a_key_that_cannot_sign_is_one_sentence(key: bytes, said: str, shop: Path) -> None:
    with pytest.raises(SealError, match=said):
        sign(seal_of(shop), key)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (b"", "holds no public key in PEM"),
        (pem(OURS), "holds no public key in PEM"),
        (public_pem(RSA), "is not of the kind Ed25519"),
    ],
    ids=["empty", "private", "rsa"],
)
def test_a_key_that_cannot_check_is_one_sentence(key: bytes, said: str, shop: Path) -> None:
    with pytest.raises(SealError, match=said):
        require_signature(sign(seal_of(shop), pem(OURS)), key)


def test_without_cryptography_the_sentence_says_what_to_install(shop: Path) -> None:
    program = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from ordertrail.application.audit.signature import require_signature, sign\n"
        "from ordertrail.application.audit.seal import Seal, SealError\n"
        f"seal = Seal.from_json({seal_of(shop).to_json()!r})\n"
        "for use in (sign, require_signature):\n"
        "    try: use(seal, b'')\n"
        "    except SealError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["signatures need cryptography: pip install 'ordertrail[seal]'"] * 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_knows_the_signature_too(shop: Path, tmp_path: Path) -> None:
    from base64 import b64decode

    seal = sign(seal_of(shop), pem(OURS))
    (tmp_path / "said").write_bytes(seal.signed)
    (tmp_path / "signature").write_bytes(b64decode(seal.signature or ""))
    (tmp_path / "public.pem").write_bytes(public_pem(OURS))
    call = "openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in said -sigfile signature"
    done = subprocess.run(call.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n")


# --- files that are none ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"\xff\xfe",
        lambda _: b"[]",
        lambda fields: json.dumps(fields).encode()[:-2],
        lambda fields: json.dumps(fields | {"seal": 2}).encode(),
        lambda fields: json.dumps(fields | {"more": 1}).encode(),
        lambda fields: json.dumps(fields | {"events": fields["events"] | {"count": -1}}).encode(),
        lambda fields: json.dumps(fields | {"journal": fields["journal"] | {"digest": "abc"}}).encode(),
        lambda fields: json.dumps(fields | {"policies": {"1": "z" * 64}}).encode(),
        lambda fields: json.dumps({k: v for k, v in fields.items() if k != "journal"}).encode(),
    ],
)
def test_a_file_that_is_no_seal_is_one_sentence(spoil: object, shop: Path) -> None:
    content = spoil(json.loads(seal_of(shop).to_json()))  # type: ignore[operator]
    with pytest.raises(SealError, match=r"^it is no seal of this version: .+") as caught:
        Seal.from_json(content)
    assert "\n" not in str(caught.value)
