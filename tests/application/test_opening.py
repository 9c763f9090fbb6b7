"""`Orders.open` and `close`: addresses, policies, and one clear sentence for what is wrong with them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ordertrail.application import Orders, PolicyChanged, StoreError
from ordertrail.domain import InvalidPolicy, Policy, default_policy_toml
from shop import BUYER, MARKETPLACE, Clock, cancelling, give, line, placing

DEFAULT = default_policy_toml()
SHORT = DEFAULT.replace('version = "1"', 'version = "short"').replace("window_minutes = 30", "window_minutes = 5")


def is_one_sentence(error: BaseException, *words: str) -> None:
    said = str(error)
    assert len(said.splitlines()) == 1, said
    for word in words:
        assert word in said, said


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("mysql://shop", "mysql://"),
        ("mysql:/shop", "mysql:/ is no address"),
        ("sqlite:shop.db", "sqlite: is no address"),
        ("sqlite:/shop.db", "sqlite:/ is no address"),
        ("postgresql:ann:s3cret@shop", "postgresql: is no address"),
        ("Postgresql://ann:s3cret@shop", "Postgresql:// is no address"),
        ("", "''"),
        ("sqlite:///", "''"),
        ("sqlite:///{folder}", "folder"),
        ("sqlite:///{folder}/missing/orders.db", "missing"),
        ("{folder}/not-ours", "not an ordertrail store"),
    ],
)
def test_a_bad_address_is_one_sentence(url: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "not-ours").write_bytes(b"something else\n" * 100)
    for create in (True, False):
        with pytest.raises(StoreError) as failed:
            Orders.open(url.format(folder=tmp_path), create=create)
        if create or "missing" not in url:
            is_one_sentence(failed.value, word)
        assert "s3cret" not in str(failed.value)
    assert [path.name for path in tmp_path.iterdir()] == ["not-ours"]


@pytest.mark.parametrize("name", ["12:30.db", "sqlite:shop.db"])
def test_a_file_may_have_a_colon_in_its_name(name: str, tmp_path: Path) -> None:
    for address in (f"{tmp_path}/{name}", tmp_path / name):
        Orders.open(address).close()
    Orders.open(f"sqlite:///{tmp_path}/{name}", create=False).close()


def test_a_path_is_a_sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Orders.open(Path("memory:")) as orders:
        give(orders, placing())
        assert orders.place == "memory:"
    with Orders.open(tmp_path / "memory:", create=False) as orders:
        assert orders.show("O1")["order_id"] == "O1"


def test_the_default_address_is_a_file_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Orders.open() as orders:
        give(orders, placing())
    assert (tmp_path / "ordertrail.db").exists()


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_without_create_a_file_that_is_not_there_is_one_sentence_and_is_not_made(prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.db"
    with pytest.raises(StoreError) as failed:
        Orders.open(f"{prefix}{file}", create=False)
    is_one_sentence(failed.value, str(file))
    assert list(tmp_path.iterdir()) == []
    Orders.open(str(file)).close()
    Orders.open(f"{prefix}{file}", create=False).close()


def test_without_create_nothing_of_ours_is_one_sentence_and_nothing_is_made(durable_address: str) -> None:
    empty_file = Path(durable_address.removeprefix("sqlite:///"))
    if durable_address.startswith("sqlite"):
        empty_file.touch()
    for _ in range(2):
        with pytest.raises(StoreError) as failed:
            Orders.open(durable_address, create=False)
        is_one_sentence(failed.value, "there is no store")
    if durable_address.startswith("sqlite"):
        assert empty_file.read_bytes() == b""
        assert list(empty_file.parent.iterdir()) == [empty_file]
    Orders.open(durable_address).close()
    with Orders.open(durable_address, create=False) as orders:
        give(orders, placing())


@contextmanager
def without_root() -> Iterator[None]:
    """As somebody for whom permissions count."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    os.setresuid(nobody, nobody, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in which everybody may look around."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
        path.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="needs permissions as Linux has them")
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o444), (0o555, 0o666), (0o777, 0o444)])
def test_a_store_that_may_not_be_written_can_be_read(
    folder: Path, clock: Clock, folder_mode: int, file_mode: int
) -> None:
    with Orders.open(folder / "orders.db", clock=clock) as orders:
        give(orders, placing())
    (folder / "orders.db").chmod(file_mode)
    folder.chmod(folder_mode)
    with without_root():
        for _ in range(2):
            with Orders.open(folder / "orders.db", clock=clock, create=False) as orders:
                assert [orders.show("O1")["order_id"], orders.timeline("O1")[0].rule] == ["O1", "ORDER-1"]
                assert orders.preview(cancelling("c"), by=BUYER).status == "accepted"
                with pytest.raises(StoreError) as failed:
                    give(orders, cancelling("c"), by=BUYER)
                is_one_sentence(failed.value, "could not be written")
    with Orders.open(folder / "orders.db", clock=clock) as orders:
        assert orders.show("O1")["version"] == 1


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="needs permissions as Linux has them")
def test_what_a_killed_writer_left_beside_a_store_is_read_or_it_is_one_sentence(folder: Path, clock: Clock) -> None:
    with Orders.open(folder / "live.db", clock=clock) as orders:
        give(orders, placing())
        for suffix in ("", "-wal"):
            shutil.copy(folder / f"live.db{suffix}", folder / f"left.db{suffix}")
    (folder / "left.db").chmod(0o444)
    folder.chmod(0o555)
    with without_root(), pytest.raises(StoreError) as failed:
        Orders.open(folder / "left.db", create=False)
    is_one_sentence(failed.value, "left.db", "write beside it")
    folder.chmod(0o755)
    with Orders.open(folder / "left.db", create=False) as orders:
        assert orders.show("O1")["version"] == 1


def test_each_store_in_memory_is_its_own(clock: Clock) -> None:
    with Orders.open("memory:", clock=clock) as one, Orders.open("memory:", clock=clock) as other:
        give(one, placing())
        give(other, placing())


# --- policies ---------------------------------------------------------------------------------------------------------


def short_policy(kind: type, folder: Path) -> Policy | Path | str:
    if kind is Policy:
        return Policy.from_toml(SHORT)
    file = folder / "short.toml"
    file.write_text(SHORT)
    return kind(file)


@pytest.mark.parametrize("kind", [Policy, Path, str])
def test_a_policy_is_a_path_or_a_policy(kind: type, open_orders: Callable[..., Orders], tmp_path: Path) -> None:
    clock = Clock()
    orders = open_orders(policy=short_policy(kind, tmp_path), clock=clock)
    give(orders, placing(seller="M1"))
    clock.now += timedelta(minutes=6)
    assert orders.handle(cancelling("c"), by=BUYER).rule == "SELLER-2"
    assert orders.show("O1")["policy_version"] == "short"
    kept = orders._store.policy("short")
    assert kept is not None
    assert Policy.from_toml(kept) == Policy.from_toml(SHORT)
    assert kept == SHORT or kind is Policy


def test_none_and_the_default_policy_are_the_packaged_one(open_orders: Callable[..., Orders]) -> None:
    give(open_orders(), placing())
    orders = open_orders(policy=Policy.default())
    give(orders, placing("O2"))
    assert orders._store.policy("1") == DEFAULT


@pytest.mark.parametrize("first", [Policy, Path])
def test_a_file_and_a_policy_that_say_the_same_are_the_same(
    first: type, open_orders: Callable[..., Orders], tmp_path: Path
) -> None:
    give(open_orders(policy=short_policy(first, tmp_path)), placing())
    give(open_orders(policy=Policy.from_toml(SHORT)), placing("O2"))


def test_a_policy_with_the_same_version_and_other_terms_is_refused_also_as_an_object(
    open_orders: Callable[..., Orders], tmp_path: Path
) -> None:
    give(open_orders(policy=short_policy(Path, tmp_path)), placing())
    other = msgspec.structs.replace(Policy.default(), version="short")
    with pytest.raises(PolicyChanged) as failed:
        open_orders(policy=other)
    is_one_sentence(failed.value, "short")


def test_a_policy_with_quotes_and_letters_of_all_kinds_is_kept_as_it_is(clock: Clock) -> None:
    policy = msgspec.structs.replace(Policy.default(), version='"ö" 🚚 \\ #1')
    with Orders.open("memory:", policy=policy, clock=clock) as orders:
        give(orders, placing())
        assert orders.order("O1").rules == policy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", ["utf-8"]),
        (b"no toml", ["not valid"]),
        (b'version = "2"\n', ["cancellation"]),
        (DEFAULT.replace("window_days = 30", 'window_days = "long"').encode(), ["returns.window_days"]),
        (DEFAULT.replace("lapse_days", "laps_days").encode(), ["laps_days"]),
    ],
)
def test_a_policy_file_that_is_not_valid_is_one_sentence_with_its_name_and_its_field(
    content: bytes, words: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "terms.toml"
    file.write_bytes(content)
    with pytest.raises(InvalidPolicy) as failed:
        Orders.open(f"{tmp_path}/orders.db", policy=file)
    is_one_sentence(failed.value, "terms.toml", *words)
    assert list(tmp_path.iterdir()) == [file], "no store was made"


@pytest.mark.parametrize("name", ["missing.toml", "", "with\0nul"])
def test_a_policy_file_that_cannot_be_read_is_one_sentence_with_its_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy) as failed:
        Orders.open("memory:", policy=f"{tmp_path}/{name}")
    is_one_sentence(failed.value, "policy", name)


# --- closing ----------------------------------------------------------------------------------------------------------


USES: dict[str, Callable[[Orders], object]] = {
    "handle": lambda orders: orders.handle(cancelling("late"), by=MARKETPLACE),
    "preview": lambda orders: orders.preview(cancelling("late"), by=MARKETPLACE),
    "run": lambda orders: list(orders.run([line(cancelling("late"), "10:00")])),
    "preview_line": lambda orders: orders.preview_line(line(cancelling("late"), "10:00")),
    "order": lambda orders: orders.order("O1"),
    "show": lambda orders: orders.show("O1"),
    "show then": lambda orders: orders.show("O1", at_version=1),
    "timeline": lambda orders: orders.timeline("O1"),
    "options": lambda orders: orders.options("O1"),
}


def test_whatever_is_asked_after_closing_is_answered_by_one_sentence(orders: Orders) -> None:
    give(orders, placing())
    orders.close()
    orders.close()
    for use in USES.values():
        with pytest.raises(StoreError) as failed:
            use(orders)
        is_one_sentence(failed.value, "closed")
