"""`ordertrail audit verify` and `ordertrail audit seal`: what they print, and how they end."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from forger import opened
from ordertrail.application import Orders
from processes import SCRIPT, environment, failed_in_one_sentence, ordertrail
from shop import MARKETPLACE, placing

pytestmark = pytest.mark.slow


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private and its public key."""
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    private.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_a_clean_log_is_summed_up_and_ends_with_0(shop: Path) -> None:
    done = ordertrail("audit", "verify", "--store", shop)
    printed = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert " events, " in printed
    assert " a second)" in printed
    assert "none: every row follows from the one before it" in printed
    assert "none was given: a log cut off at its end, or rewritten as a whole, may not show" in printed


def test_an_empty_log_is_clean(tmp_path: Path) -> None:
    Orders.open(tmp_path / "s.db").close()
    done = ordertrail("audit", "verify", "--store", tmp_path / "s.db")
    assert done.returncode == 0
    assert "0 events, 0 journal entries, 0 attempts, 0 policies" in done.stdout.decode()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_finding_is_told_and_ends_with_1(shop: Path, workers: str) -> None:
    with opened(shop) as connection:
        connection.execute("UPDATE stored_events SET state = state || ' ' WHERE notification_id = 5")
        ((stream, version),) = connection.execute(
            "SELECT originator_id, originator_version FROM stored_events WHERE notification_id = 5"
        )
    done = ordertrail("audit", "verify", "--store", shop, "--workers", workers)
    assert done.returncode == 1
    assert f"changed event 5 ({stream}, version {version}) was changed" in " ".join(done.stdout.decode().split())


def test_json_has_the_findings_and_the_rows(shop: Path) -> None:
    with opened(shop) as connection:
        connection.execute("DELETE FROM journal WHERE entry BETWEEN 4 AND 6")
        ((events,),) = connection.execute("SELECT count(*) FROM stored_events")
    done = ordertrail("audit", "verify", "--store", shop, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["rows"]["stored_events"] == events
    assert (told["found"], told["sealed_at"]) == (1, None)
    (found,) = told["findings"]
    assert found.pop("said").startswith("journal entries 4 to 6 are gone")
    assert found == {"kind": "gone", "table": "journal", "number": 4, "subject": None}


def test_hundreds_of_findings_are_counted_and_the_first_are_listed(shop: Path) -> None:
    with opened(shop) as connection:
        connection.execute("UPDATE stored_events SET digest = randomblob(32)")
        ((events,),) = connection.execute("SELECT count(*) FROM stored_events")
    told = json.loads(ordertrail("audit", "verify", "--store", shop, "--json").stdout)
    assert (told["found"], len(told["findings"])) == (events, min(events, 100))
    assert told["findings"][0]["number"] == 1
    printed = ordertrail("audit", "verify", "--store", shop).stdout.decode()
    assert f"{events:,}, of which 100 are listed" in printed


def test_a_signed_seal_is_made_and_checked(shop: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys
    seal = tmp_path / "seal.json"
    done = ordertrail("audit", "seal", "--store", shop, "--sign", private, "--output", seal)
    assert (done.returncode, done.stdout) == (0, b"")
    with Orders.open(shop) as orders:
        orders.handle(placing("later"), by=MARKETPLACE)
    done = ordertrail("audit", "verify", "--store", shop, "--seal", seal, "--public-key", public)
    assert done.returncode == 0, done.stdout
    assert "signed with the key given" in done.stdout.decode()
    done = ordertrail("audit", "verify", "--store", shop, "--seal", seal)
    assert "its signature was not looked at" in done.stdout.decode()
    with opened(shop) as connection:
        connection.execute("UPDATE policies SET version = 'other'")
    done = ordertrail("audit", "verify", "--store", shop, "--seal", seal, "--public-key", public)
    assert done.returncode == 1


def test_a_seal_is_printed_and_never_written_over_another(shop: Path, tmp_path: Path) -> None:
    done = ordertrail("audit", "seal", "--store", shop)
    assert done.returncode == 0
    assert json.loads(done.stdout)["seal"] == 1
    seal = tmp_path / "seal.json"
    seal.write_bytes(done.stdout)
    done = ordertrail("audit", "seal", "--store", shop, "--output", seal)
    failed_in_one_sentence(done.returncode, done.stderr, "is there already", expected=2)
    done = ordertrail("audit", "verify", "--store", shop, "--seal", seal)
    assert (done.returncode, "; not signed" in done.stdout.decode()) == (0, True)


def test_what_cannot_be_used_is_one_sentence(shop: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys
    seal, spoilt = tmp_path / "seal.json", tmp_path / "spoilt.json"
    assert ordertrail("audit", "seal", "--store", shop, "--output", seal, "--sign", private).returncode == 0
    spoilt.write_bytes(seal.read_bytes().replace(b'"count":', b'"count":1'))
    verify, sealing = ("audit", "verify", "--store", shop), ("audit", "seal", "--store", shop)
    for call, words in [
        ((*verify, "--seal", public), ["the seal", "public.pem cannot be used: it is no seal"]),
        ((*verify, "--seal", spoilt, "--public-key", public), ["spoilt.json", "its signature does not match"]),
        ((*verify, "--seal", seal, "--public-key", private), ["holds no public key in PEM"]),
        ((*verify, "--seal", tmp_path / "nowhere"), ["nowhere", "does not exist"]),
        ((*verify, "--public-key", public), ["--public-key is for a --seal"]),
        ((*sealing, "--sign", public), ["public.pem cannot sign", "holds no private key in PEM"]),
        ((*sealing, "--output", tmp_path / "no" / "seal.json"), ["No such file or directory"]),
    ]:
        done = ordertrail(*call)
        failed_in_one_sentence(done.returncode, done.stderr, *words, expected=2)
    for name in ("verify", "seal"):
        done = ordertrail("audit", name, "--store", tmp_path / "nowhere.db")
        failed_in_one_sentence(done.returncode, done.stderr, "there is no store", expected=3)


def test_a_store_that_may_not_be_written_is_verified_and_sealed_and_not_touched(shop: Path) -> None:
    with opened(shop) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = shop.read_bytes()
    assert ordertrail("audit", "verify", "--store", shop).returncode == 0
    assert ordertrail("audit", "seal", "--store", shop).returncode == 0
    assert shop.read_bytes() == before


def test_a_bar_is_drawn_on_a_terminal_only(shop: Path) -> None:
    leader, follower = pty.openpty()
    call = [SCRIPT, "audit", "verify", "--store", shop]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=follower, env=environment() | {"TERM": "xterm"})
    os.close(follower)
    drawn = b""
    while True:
        try:
            drawn += os.read(leader, 4096)
        except OSError:  # nobody writes any more
            break
    os.close(leader)
    assert process.communicate()[0].startswith(b"verified ")
    assert process.returncode == 0
    assert b"verifying" in drawn
    assert ordertrail("audit", "verify", "--store", shop).stderr == b""
