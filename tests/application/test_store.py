"""The durable store: the same promises on a SQLite file, in memory and on PostgreSQL."""

import itertools
import os
import resource
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from ordertrail.application.errors import Conflict, PolicyChanged, StoreError
from ordertrail.application.store import JournalEntry, Store
from ordertrail.domain.events import Event, ItemsLost
from postgres import fresh_schema, server

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
ALL = ["sqlite", "memory", pytest.param("postgres", marks=pytest.mark.postgres)]
DURABLE = [kind for kind in ALL if kind != "memory"]


def lost(order_id: str, version: int) -> Event:
    return ItemsLost(
        version=version,
        at=NOON,
        recorded_at=NOON + TICK,
        actor="carrier",
        command_id=f"c-{order_id}-{version}",
        rule="SCAN-1",
        buyer_id="B1",
        order_id=order_id,
        units={"A": [1, 2]},
        shipment_id="S1",
    )


def entry(
    command_id: str, *attempts: str, reused: bool = False, outcome: bytes = b'{"status":"accepted"}'
) -> JournalEntry:
    return JournalEntry(
        command_id,
        b'{"command":"pass-time","note":"\xc3\xa9"}',
        outcome,
        "accepted",
        NOON,
        NOON + 7 * TICK,
        {"order:O1": 3},
        attempts,
        reused,
    )


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "memory":
        yield "memory:"
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a store #1 50%.db'}"
    else:
        with fresh_schema() as address:
            yield address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


on_all = pytest.mark.parametrize("url", ALL, indirect=True)
on_durable = pytest.mark.parametrize("url", DURABLE, indirect=True)


def everything(store: Store) -> object:
    """All that the store would say about the names that these tests use."""
    return (
        store.notifications(0, 100),
        [store.entry(f"c{n}") for n in range(9)],
        [store.entries_reusing(f"c{n}") for n in range(9)],
        [store.attempts(f"O{n}") for n in range(9)],
        store.due(datetime.max.replace(tzinfo=UTC)),
    )


# --- appending --------------------------------------------------------------------------------------------------------


@on_all
def test_what_was_appended_is_read_back_as_it_was(store: Store) -> None:
    events = [lost("O1", 1), lost("O1", 2), lost("Ö:🚚 x/1", 1)]
    assert list(store.append(events, [entry("c1"), entry("c2", "O1")], {})) == [1, 2, 3]
    assert store.events("order:O1") == events[:2]
    assert store.events("order:Ö:🚚 x/1") == events[2:]
    assert store.entry("c1") == entry("c1")
    assert store.entry("c2") == entry("c2", "O1")
    assert store.entry("c3") is None
    assert store.events("order:O2") == []


@on_all
def test_a_stream_is_read_after_and_up_to_a_version(store: Store) -> None:
    events = [lost("O1", version) for version in range(1, 6)]
    store.append(events, [], {})
    assert store.events("order:O1", after=2) == events[2:]
    assert store.events("order:O1", up_to=3) == events[:3]
    assert store.events("order:O1", after=1, up_to=4) == events[1:4]
    assert store.events("order:O1", up_to=0) == []


@on_all
def test_a_taken_version_is_a_conflict_and_nothing_is_half_written(store: Store) -> None:
    store.append([lost("O1", 1)], [entry("c1")], {"O1": NOON})
    before = everything(store)
    with pytest.raises(Conflict):
        store.append([lost("O2", 1), lost("O1", 1)], [entry("c2", "O3")], {"O1": None, "O4": NOON})
    assert everything(store) == before
    assert store.append([lost("O2", 1), lost("O1", 2)], [entry("c2", "O3")], {"O1": None, "O4": NOON})
    assert store.due(NOON + TICK) == ["O4"]


@on_all
@pytest.mark.parametrize("events", [[], [lost("O2", 1)]], ids=["alone", "with-events"])
def test_a_taken_command_id_is_a_conflict_and_nothing_is_half_written(store: Store, events: list[Event]) -> None:
    store.append([lost("O1", 1)], [entry("c1")], {})
    before = everything(store)
    with pytest.raises(Conflict):
        store.append(events, [entry("c2", "O1"), entry("c1")], {"O1": NOON})
    assert everything(store) == before


@on_all
def test_an_entry_without_events_is_kept_and_found_by_the_orders_it_tried(store: Store) -> None:
    assert list(store.append([], [entry("c1", "O1", "O2")], {})) == []
    store.append([lost("O1", 1)], [entry("c2"), entry("c3", "O2"), entry("c4", "O1")], {})
    assert store.attempts("O1") == [entry("c1", "O1", "O2"), entry("c4", "O1")]
    assert store.attempts("O2") == [entry("c1", "O1", "O2"), entry("c3", "O2")]
    assert store.attempts("O3") == []


@on_all
def test_order_0_a_reused_command_id_is_kept_apart_from_the_entry_that_answers(store: Store) -> None:
    store.append([], [entry("c1")], {})
    again = [entry("c1", "O1", reused=True, outcome=f"{n}".encode()) for n in range(2)]
    for reusing in again:
        store.append([], [reusing], {})
    assert store.entry("c1") == entry("c1")
    assert store.entries_reusing("c1") == again
    assert store.attempts("O1") == again


@on_all
def test_nothing_to_append_writes_nothing(store: Store) -> None:
    assert list(store.append([], [], {})) == []


@on_all
def test_a_large_batch_is_one_append_and_keeps_its_order(store: Store) -> None:
    events = [lost(f"O{n % 1000}", 1 + n // 1000) for n in range(3000)]
    entries = [entry(f"k{n}", f"O{n % 10}") for n in range(2000)]
    deadlines = {f"O{n}": NOON + n * TICK for n in range(1000)}
    assert list(store.append(events, entries, deadlines)) == list(range(1, 3001))
    assert store.notifications(0, 5000) == list(enumerate(events, start=1))
    assert store.attempts("O3") == entries[3::10]
    assert store.due(NOON + timedelta(1)) == list(deadlines)


@on_all
def test_positions_grow_and_pages_follow_them(store: Store) -> None:
    events = [lost("O1", version) for version in range(1, 8)]
    for event in events:
        store.append([event], [], {})
    pages = [store.notifications(after, 3) for after in (0, 3, 6, 7)]
    assert [position for page in pages for position, _ in page] == [1, 2, 3, 4, 5, 6, 7]
    assert [event for page in pages for _, event in page] == events


# --- deadlines and policies -------------------------------------------------------------------------------------------


@on_all
def test_time_1_a_deadline_is_due_strictly_after_it_and_earliest_first(store: Store) -> None:
    store.append([], [], {"b": NOON, "a": NOON, "Z": NOON, "c": NOON - TICK, "d": NOON + TICK})
    assert store.due(NOON) == ["c"]
    assert store.due(NOON + TICK) == ["c", "Z", "a", "b"]


@on_all
def test_a_deadline_is_replaced_and_deleted(store: Store) -> None:
    store.append([], [], {"O1": NOON, "O2": NOON})
    store.append([], [], {"O1": NOON + timedelta(400), "O2": None, "never-set": None})
    assert store.due(NOON + timedelta(400)) == []
    assert store.due(NOON + timedelta(400) + TICK) == ["O1"]


@on_all
def test_a_policy_version_is_kept_once_and_never_changes(store: Store) -> None:
    assert store.policy("1") is None
    store.keep_policy("1", "window = 30\n")
    store.keep_policy("1", "window = 30\n")
    with pytest.raises(PolicyChanged, match="'1'"):
        store.keep_policy("1", "window = 31\n")
    assert store.policy("1") == "window = 30\n"


# --- opening again, and at once ---------------------------------------------------------------------------------------


@on_durable
def test_a_store_that_is_opened_again_has_everything(url: str) -> None:
    first = Store.open(url)
    first.append([lost("O1", 1), lost("O2", 1)], [entry("c1", "O5"), entry("c1", reused=True)], {"O1": NOON})
    first.keep_policy("1", "x")
    before = everything(first)
    first.close()
    second = Store.open(url)
    assert everything(second) == before
    assert second.policy("1") == "x"
    assert list(second.append([lost("O1", 2)], [], {})) == [3]
    second.close()


@on_all
def test_stores_in_use_do_not_mix(store: Store, url: str) -> None:
    store.append([lost("O1", 1)], [], {})
    other = Store.open(url)
    assert len(other.events("order:O1")) == (0 if url == "memory:" else 1)
    other.close()


@on_all
def test_a_closed_store_says_so(url: str) -> None:
    store = Store.open(url)
    store.append([lost("O1", 1)], [], {})
    store.close()
    store.close()
    for use in (lambda: store.events("order:O1"), lambda: store.append([lost("O1", 2)], [], {})):
        with pytest.raises(StoreError, match="closed"):
            use()


def test_the_position_of_an_event_that_is_gone_is_never_given_again(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store.open(str(path))
    store.append([lost("O1", 1), lost("O1", 2)], [], {})
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM stored_events WHERE notification_id = 2")
    assert list(store.append([lost("O1", 2)], [], {})) == [3]
    store.close()


@pytest.mark.postgres
def test_the_position_of_an_event_that_is_gone_is_never_given_again_on_postgresql() -> None:
    with fresh_schema() as url:
        store = Store.open(url)
        store.append([lost("O1", 1), lost("O1", 2)], [], {})
        with psycopg.connect(server()) as connection:
            connection.execute(f"DELETE FROM {schema_of(url)}.stored_events WHERE notification_id = 2")
        assert list(store.append([lost("O1", 2)], [], {})) == [3]
        store.close()


@on_all
def test_four_threads_append_and_read_at_once_and_nothing_is_lost_or_doubled(store: Store) -> None:
    rounds, streams = 40, ["O1", "O2"]
    wins: list[tuple[str, int]] = []

    def race(thread: int) -> None:
        for n in range(rounds):
            order_id = streams[n % 2]
            version = len(store.events(f"order:{order_id}")) + 1
            try:
                store.append([lost(order_id, version)], [entry(f"t{thread}-{n}", order_id)], {order_id: NOON})
                wins.append((order_id, version))
            except Conflict:
                assert store.entry(f"t{thread}-{n}") is None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    for order_id in streams:
        versions = [event.version for event in store.events(f"order:{order_id}")]
        assert versions == list(range(1, len(versions) + 1))
        assert sorted(v for o, v in wins if o == order_id) == versions
        assert len(store.attempts(order_id)) == len(versions)
    assert [position for position, _ in store.notifications(0, 1000)] == sorted(
        position for position, _ in store.notifications(0, 1000)
    )


OPEN_AND_APPEND = """
    import sys, time
    sys.path.insert(0, sys.argv[4])
    from test_store import Conflict, Store, entry, lost
    time.sleep(max(0, float(sys.argv[3]) - time.time()))
    store = Store.open(sys.argv[1])
    store.keep_policy("1", "same")
    mine = 0
    for n in range(5):
        store.append([lost(f"P{sys.argv[2]}", n + 1)], [entry(f"{sys.argv[2]}-{n}", "all")], {"all": None})
        try:
            store.append([lost("shared", n + 1)], [], {})
            mine += 1
        except Conflict:
            pass
    store.close()
    print(mine)
"""


@on_durable
@pytest.mark.slow
def test_eight_processes_open_a_new_store_at_once_and_share_it(url: str) -> None:
    start = str(time.time() + 2)
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, str(Path(here).parent), *sys.path])}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(OPEN_AND_APPEND), url, str(n), start, here],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for n in range(8)
    ]
    outputs = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [0] * 8, outputs
    store = Store.open(url)
    assert len(store.attempts("all")) == 40
    assert [event.version for event in store.events("order:shared")] == [1, 2, 3, 4, 5]
    assert sum(int(out) for out, _ in outputs) == 5
    store.close()


# --- stores that cannot be used ---------------------------------------------------------------------------------------


def refused(url: str, **options: float) -> str:
    with pytest.raises(StoreError) as caught:
        Store.open(url, **options).close()
    assert not isinstance(caught.value, Conflict)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_another_programs_sqlite_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE meta (format INTEGER)")
    connection.close()
    before = path.read_bytes()
    assert refused(str(path)) == f"{path} is not an ordertrail store, but another program's SQLite database"
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but longer than the header of one is, which has a hundred bytes " * 4)
    assert refused(str(path)) == f"{path} is not an ordertrail store: it is not an SQLite database"
    assert path.read_text().startswith("not a database")


def test_a_store_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store.open(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET format = 2")
    connection.close()
    assert refused(str(path)) == f"{path} was written by a newer ordertrail (format 2; this one reads 1)"


def test_a_store_without_one_of_its_tables_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    Store.open(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE attempts")
    connection.close()
    assert refused(str(path)) == f"{path} is damaged: it has no table attempts"


def test_a_store_with_scrambled_pages_is_one_sentence_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store.open(str(path))
    store.append([lost(f"O{n}", 1) for n in range(500)], [entry(f"c{n}") for n in range(500)], {})
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)

    def meet() -> None:
        damaged = Store.open(str(path))
        try:
            for n in range(500):
                damaged.events(f"order:O{n}")
                damaged.entry(f"c{n}")
        finally:
            damaged.close()

    with pytest.raises(StoreError, match=r"s\.db is damaged"):
        meet()


def test_an_event_of_an_unknown_kind_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store.open(str(path))
    with sqlite3.connect(path) as connection:
        state = '{"type":"from-the-future"}'
        connection.execute("INSERT INTO stored_events VALUES (1, 'order:O1', 1, 'x', ?, '')", (state,))
    with pytest.raises(StoreError, match="cannot read"):
        store.events("order:O1")
    store.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("{tmp}", "is a folder"),
        ("{tmp}/no/such/s.db", "there is no folder"),
        ("mysql://root:secret@host/db", "mysql:// is no address of a store"),
        ("", "is no address of a store"),
        ("a\0b", "is no address of a store"),
        ("/dev/null/s.db", "there is no folder"),
        ("/dev/full", "/dev/full"),
        ("{tmp}/" + "n" * 300, "could not be opened"),
    ],
)
def test_an_address_that_is_no_store_is_one_sentence(address: str, said: str, tmp_path: Path) -> None:
    sentence = refused(address.format(tmp=tmp_path), lock_seconds=1)
    assert said in sentence or "cannot be opened" in sentence
    assert "secret" not in sentence


def test_a_folder_without_permission_is_one_sentence(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    assert "no permission" in refused(str(tmp_path / "s.db"))


def test_a_store_made_read_only_under_us_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = Store.open(str(path))
    store._records.datastore._writer.execute("PRAGMA query_only=ON")  # as root, a file's mode would not stop us
    with pytest.raises(StoreError, match="no permission"):
        store.append([lost("O1", 1)], [], {})
    store.close()


@on_durable
def test_a_writer_that_never_ends_is_waited_for_and_then_told(url: str) -> None:
    store = Store.open(url, lock_seconds=1)
    store.append([lost("O1", 1)], [], {})
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = psycopg.connect(server())
        other.execute(f"LOCK TABLE {schema_of(url)}.stored_events IN EXCLUSIVE MODE")
    with pytest.raises(StoreError, match="locked by another process for longer than 1 seconds"):
        store.append([lost("O1", 2)], [], {})
    assert len(store.events("order:O1")) == 1, "who reads does not wait for who writes"
    other.rollback()
    other.close()
    store.append([lost("O1", 2)], [], {})
    store.close()


# --- a full disk ------------------------------------------------------------------------------------------------------


def fill(path: Path) -> tuple[int, StoreError]:
    """Append until the store fails; how many appends were acknowledged, and what was said then."""
    store = Store.open(str(path))
    try:
        for n in itertools.count():
            try:
                store.append([lost("O1", n + 1)], [entry(f"c{n}", outcome=b"x" * 5000)], {"O1": NOON + n * TICK})
            except StoreError as error:
                if len(store.events("order:O1")) != n:
                    raise AssertionError("what was acknowledged is no longer read") from error
                return n, error
    finally:
        store.close()
    raise AssertionError("unreachable")


def check_filled(path: Path, acknowledged: int) -> None:
    store = Store.open(str(path))
    assert [event.version for event in store.events("order:O1")] == list(range(1, acknowledged + 1))
    assert store.entry(f"c{acknowledged - 1}") is not None
    assert store.entry(f"c{acknowledged}") is None
    assert store.due(NOON + (acknowledged - 1) * TICK) == []
    store.append([lost("O1", acknowledged + 1)], [], {})
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_one_sentence_and_what_was_acknowledged_stays(small_disk: Path) -> None:
    path, ballast = small_disk / "s.db", small_disk / "ballast"
    ballast.write_bytes(b"x" * 1_000_000)
    acknowledged, said = fill(path)
    assert type(said) is StoreError
    assert str(said) == f"{path} could not be written: the disk is full"
    assert acknowledged > 10
    ballast.unlink()
    check_filled(path, acknowledged)


def test_a_limit_on_the_size_of_files_is_one_sentence_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limit[1]))  # Python ignores SIGXFSZ: writes fail instead
    try:
        acknowledged, said = fill(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert type(said) is StoreError
    assert str(said).startswith(f"{path} could not be ")
    assert acknowledged > 10
    check_filled(path, acknowledged)


# --- PostgreSQL only --------------------------------------------------------------------------------------------------


def schema_of(url: str) -> str:
    return url.rpartition("schema=")[2]


@pytest.mark.postgres
def test_a_schema_of_another_program_is_refused_and_not_touched() -> None:
    with fresh_schema() as url, psycopg.connect(server(), autocommit=True) as connection:
        schema = schema_of(url)
        connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.journal (x int)")
        assert "is not an ordertrail store: its table journal is another program's" in refused(url)
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", (schema,)).fetchone()
        assert tables == (1,)


@pytest.mark.postgres
def test_a_schema_of_a_newer_format_is_refused() -> None:
    with fresh_schema() as url, psycopg.connect(server(), autocommit=True) as connection:
        Store.open(url).close()
        connection.execute(f"UPDATE {schema_of(url)}.meta SET format = 2")
        assert refused(url).endswith("was written by a newer ordertrail (format 2; this one reads 1)")


@pytest.mark.postgres
def test_connections_that_the_server_has_cut_are_replaced_and_nothing_is_doubled() -> None:
    with fresh_schema() as url, psycopg.connect(server(), autocommit=True) as connection:
        store = Store.open(f"{url}&application_name={schema_of(url)}")
        for version in range(1, 6):
            store.append([lost("O1", version)], [entry(f"c{version}")], {})
            cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s"
            assert connection.execute(cut, (schema_of(url)[:63],)).fetchone() != (0,)
        assert [event.version for event in store.events("order:O1")] == [1, 2, 3, 4, 5]
        store.close()


@pytest.mark.postgres
def test_a_connection_lost_while_committing_is_told_and_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_schema() as url:
        store = Store.open(url)
        execute = psycopg.Connection.execute

        def lost_after_commit(self: psycopg.Connection, query: object, *args: object, **kwargs: object) -> object:
            result = execute(self, query, *args, **kwargs)
            if query == "COMMIT":
                self.close()
                raise psycopg.OperationalError("the connection is lost")
            return result

        with monkeypatch.context() as patched:
            patched.setattr(psycopg.Connection, "execute", lost_after_commit)
            with pytest.raises(StoreError, match="lost during a commit"):
                store.append([], [entry("c1", reused=True)], {})
        assert len(store.entries_reusing("c1")) == 1
        store.close()


@pytest.mark.postgres
def test_who_follows_the_positions_never_passes_over_one_that_is_committed_later() -> None:
    with fresh_schema() as url:
        store = Store.open(url)
        stop = threading.Event()
        seen: list[int] = []

        def follow() -> None:
            while not stop.is_set() or store.notifications(seen[-1] if seen else 0, 1):
                seen.extend(position for position, _ in store.notifications(seen[-1] if seen else 0, 50))

        follower = threading.Thread(target=follow)
        follower.start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: store.append([lost(f"O{n}", v) for v in (1, 2, 3)], [], {}), range(60)))
        stop.set()
        follower.join()
        assert len(seen) == 180
        store.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://u:top-secret@127.0.0.1:1/shop", "the PostgreSQL database shop on 127.0.0.1:1"),
        ("postgresql://u:top-secret@nowhere.invalid/shop?schema=s", "the PostgreSQL database shop on nowhere.invalid"),
        ("postgresql://u:top-secret@ho@st/shop", "cannot be read; in a password, @ is written %40"),
        ("postgresql://u:x:top-secret/shop", "cannot be re"),
        ("postgresql://u:top-secret@host:port/shop", "cannot be re"),
        ("postgresql://u:top-secret@host/shop?sslmoed=top-secret", "cannot be read"),
        ("postgresql://u:top-secret@[host/shop", "cannot be read"),
    ],
)
def test_a_server_that_cannot_be_reached_is_one_sentence_without_the_password(address: str, said: str) -> None:
    sentence = refused(address)
    assert said in sentence
    assert "top-secret" not in sentence


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_one_sentence() -> None:
    parameters = conninfo.conninfo_to_dict(server(), dbname="no_such_database")
    url = f"postgresql:///no_such_database?host={parameters['host']}&user={parameters['user']}"
    if parameters.get("password"):
        pytest.skip("the given server wants a password")
    assert "no_such_database" in refused(url)


def test_without_psycopg_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ordertrail.application.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "eventsourcing.postgres", raising=False)
    assert "pip install 'ordertrail[postgres]'" in refused("postgresql://localhost/shop")
