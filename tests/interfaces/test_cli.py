"""The `ordertrail` command line, as real processes: what it prints, where, and how it ends."""

import json
import os
import pty
import signal
import subprocess
import sys
import sysconfig
import threading
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner

import ordertrail.domain
from ordertrail.application.log import MAX_LINE_BYTES
from ordertrail.interfaces.cli import ordertrail as command_line
from ordertrail.interfaces.command_log import CommandLog

SCRIPT = Path(sysconfig.get_path("scripts")) / "ordertrail"


def order(order_id: str, *, at: str = "2026-01-05T10:00:00Z", **fields: object) -> dict:
    """A seller's three mugs for 11.48 USD, with tax, shipping and discount, and a spoon for 5.00 USD."""
    return {
        "command": "place-order",
        "command_id": f"place-{order_id}",
        "at": at,
        "order_id": order_id,
        "buyer_id": "B1",
        "seller_id": "S1",
        "fulfilled_by": "seller",
        "currency": "USD",
        "items": [
            {"item_id": "A", "sku": "MUG", "quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1},
            {"item_id": "B", "sku": "SPOON", "quantity": 1, "unit_price": 500},
        ],
        "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 1648}],
    } | fields


def cancel(command_id: str, *, at: str, item: str = "A") -> dict:
    return {"command": "cancel-items", "command_id": command_id, "at": at, "order_id": "O1", "items": {item: 1}}


VANS = {"name": "vans", "kind": "own"}
RECEIVED = [
    {"item_id": "A", "quantity": 3, "condition": "opened"},
    {"item_id": "B", "quantity": 1, "condition": "unopened"},
]
LOG = [
    order("O1"),
    cancel("in-time", at="2026-01-05T10:30:00Z", item="B"),
    cancel("too-late", at="2026-01-05T11:00:00Z"),
]


def lines(*commands: dict | str) -> bytes:
    return b"".join((c if isinstance(c, str) else json.dumps(c)).encode() + b"\n" for c in commands)


class Shell:
    """A working directory in which `ordertrail` is called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {k: v for k, v in os.environ.items() if k not in {"ORDERTRAIL_STORE", "FORCE_COLOR", "COLUMNS"}}

    def __call__(self, *arguments: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        call = [SCRIPT, *arguments]
        environment = self.env | env
        return subprocess.run(call, input=stdin, capture_output=True, cwd=self.directory, env=environment, timeout=120)

    def start(self, *arguments: str, **streams: object) -> subprocess.Popen:
        return subprocess.Popen([SCRIPT, *arguments], cwd=self.directory, env=self.env, **streams)

    def file(self, name: str, content: bytes) -> str:
        (self.directory / name).write_bytes(content)
        return name


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shell whose default store holds the log above."""
    shell = Shell(tmp_path_factory.mktemp("shop"))
    done = shell("run", "-", stdin=lines(*LOG))
    assert done.returncode == 0, done.stderr.decode()
    return shell


def fails_in_one_sentence(done: subprocess.CompletedProcess[bytes], status: int, *words: str) -> None:
    said = done.stderr.decode()
    assert done.returncode == status, said
    assert len(said.splitlines()) == 1, said
    assert said.startswith("ordertrail: "), said
    assert "Traceback" not in said
    assert "bug" not in said, said
    for word in words:
        assert word in said


# How fast and how quiet


def test_help_imports_nothing_that_only_commands_need():
    code = "import sys, ordertrail.interfaces.cli; print(*(m.partition('.')[0] for m in sys.modules))"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not loaded & {"rich", "eventsourcing", "transitions", "msgspec", "sqlite3", "psycopg", "asyncio"}


@pytest.mark.parametrize("command", ["run", "preview", "show", "timeline", "options", "explain", "diagram", "demo"])
def test_every_command_has_a_help(command):
    assert CliRunner().invoke(command_line, [command, "--help"]).exit_code == 0


def test_without_a_command_it_helps(shell):
    done = shell()
    assert done.returncode == 0
    assert b"Commands:" in done.stdout


# run


def test_run_prints_one_json_result_a_line_and_a_summary_on_standard_error(shell):
    done = shell("run", shell.file("log.jsonl", lines(*LOG)))
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["line"], r["command_id"], r["status"]) for r in results] == [
        (1, "place-O1", "accepted"),
        (2, "in-time", "accepted"),
        (3, "too-late", "rejected"),
    ]
    assert (results[2]["rule"], results[2]["advice"]) == ("SELLER-2", "request-cancellation")
    assert "3 commands" in done.stderr.decode()
    assert "2 accepted, 1 rejected" in done.stderr.decode()
    assert "SELLER-2 ×1" in done.stderr.decode()
    assert done.returncode == 0
    assert (shell.directory / "ordertrail.db").exists()


def test_run_quiet_prints_only_the_summary(shell):
    done = shell("run", "-", "--quiet", stdin=lines(*LOG))
    assert done.stdout == b""
    assert "3 commands" in done.stderr.decode()


def test_run_strict_ends_with_1_where_something_was_rejected_and_0_where_nothing_was(shell):
    assert shell("run", "-", "--strict", stdin=lines(*LOG[:2])).returncode == 0
    assert shell("run", "-", "--strict", stdin=lines(*LOG)).returncode == 1


def test_run_strict_says_the_same_when_the_same_log_runs_again(shell):
    assert shell("run", "-", "--strict", stdin=lines(*LOG)).returncode == 1
    again = shell("run", "-", "--strict", stdin=lines(*LOG))
    assert {json.loads(line)["status"] for line in again.stdout.splitlines()} == {"duplicate"}
    assert again.returncode == 1


def test_run_goes_on_after_a_malformed_line_and_ends_with_2_also_when_strict(shell):
    log = lines("nonsense", *LOG)
    done = shell("run", "-", "--strict", stdin=log)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["status"] for r in results] == ["invalid", "accepted", "accepted", "rejected"]
    assert done.returncode == 2
    assert "first malformed line: 1: " in done.stderr.decode()


def test_run_skips_blank_lines_but_counts_them(shell):
    done = shell("run", "-", stdin=b"\n  \r\n" + lines(LOG[0]) + b"\n" + json.dumps(LOG[1]).encode())
    assert [json.loads(line)["line"] for line in done.stdout.splitlines()] == [3, 5]
    assert done.returncode == 0


def test_run_of_an_empty_log_is_fine(shell):
    done = shell("run", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"0 commands\n")


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4 for the peak of memory")
def test_run_never_holds_a_huge_line_whole(shell):
    small = shell.file("small.jsonl", lines(LOG[0]))
    big = shell.file("big.jsonl", lines(LOG[0], "[" * 50_000_000, LOG[1]))

    def peak_kilobytes(log: str) -> tuple[int, list[bytes]]:
        process = shell.start("run", log, "--store", f"{log}.db", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        printed = process.stdout.read().splitlines()
        _, _, usage = os.wait4(process.pid, 0)
        return usage.ru_maxrss, printed

    usual, _ = peak_kilobytes(small)
    peak, printed = peak_kilobytes(big)
    assert [json.loads(line)["status"] for line in printed] == ["accepted", "invalid", "accepted"]
    assert json.loads(printed[2])["line"] == 3
    assert peak - usual < 30_000


class Counting(BytesIO):
    """A stream that remembers the largest piece it was asked for."""

    most = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        self.most = max(self.most, size)
        return super().readline(size)


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 12, 13, 24, 100_000, 200_000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_is_whole_up_to_the_limit_and_beyond_it_one_byte_more(length, end):
    stream = Counting(b"first\n" + b"x" * length + end)
    log = CommandLog(stream, limit=10)
    read = list(log)
    assert read[0] == b"first"
    assert read[1:] == ([b"x" * min(length, 11)] if length or end else [])
    assert log.position == 6 + length + len(end)
    assert stream.most <= 1 << 16


def test_what_follows_a_line_that_is_too_long_is_read_as_usual():
    assert list(CommandLog(BytesIO(b"x" * 200_000 + b"\nnext\n"), limit=10)) == [b"x" * 11, b"next"]


def test_run_stops_without_a_word_when_nobody_reads_its_results(shell):
    log = shell.file("log.jsonl", lines(*(order(f"O{n}") for n in range(3000))))
    process = shell.start("run", log, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141


def test_results_come_while_the_log_is_still_written_and_interrupted_it_says_that_what_was_applied_stays(shell):
    process = shell.start("run", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def feed() -> None:
        try:
            for n in range(1_000_000):
                process.stdin.write(lines(order(f"O{n}")))
        except (BrokenPipeError, ValueError):
            pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    first = json.loads(process.stdout.readline())
    drain = threading.Thread(target=process.stdout.read, daemon=True)
    drain.start()
    process.send_signal(signal.SIGINT)
    said = process.stderr.read().decode().strip()
    assert process.wait(60) == 130
    assert len(said.splitlines()) == 1
    assert "what was applied stays" in said
    feeder.join(10)
    assert shell("show", first["order_ids"][0]).returncode == 0


def on_terminal(shell: Shell, *arguments: str, results_too: bool) -> tuple[str, bytes]:
    """What a terminal shows as standard error (and output, if `results_too`), and what standard output got."""
    keyboard, screen = pty.openpty()
    process = shell.start(*arguments, stdout=screen if results_too else subprocess.PIPE, stderr=screen)
    os.close(screen)
    shown = []

    def watch() -> None:
        try:
            while piece := os.read(keyboard, 65536):
                shown.append(piece)
        except OSError:  # Linux' way to say that the other end is closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    printed = b"" if results_too else process.stdout.read()
    assert process.wait(60) in (0, 2)
    watcher.join(10)
    os.close(keyboard)
    return b"".join(shown).decode(), printed


def test_a_progress_bar_is_drawn_on_a_terminal_and_nowhere_else(shell):
    log = shell.file("log.jsonl", lines(*(order(f"O{n}") for n in range(500))))
    shown, printed = on_terminal(shell, "run", log, results_too=False)
    assert "applying" in shown
    assert len(printed.splitlines()) == 500
    assert b"applying" not in shell("run", log).stderr


def test_on_one_terminal_results_and_bar_do_not_mix(shell):
    log = shell.file("log.jsonl", lines(*(order(f"O{n}") for n in range(500))))
    shown, _ = on_terminal(shell, "run", log, results_too=True)
    assert "applying" in shown
    assert shown.count('"line":') == 500


# The reading commands


def test_preview_records_nothing(shop):
    command = json.dumps(cancel("another", at="2026-01-05T12:00:00Z")).encode()
    for _ in range(2):
        done = shop("preview", "-", "--json", stdin=command)
        assert json.loads(done.stdout)["status"] == "rejected"
        assert done.returncode == 0


def test_preview_for_people_says_what_would_be_and_why(shop):
    command = shop.file("command.json", json.dumps(cancel("another", at="2026-01-05T12:00:00Z"), indent=2).encode())
    said = shop("preview", command).stdout.decode()
    for words in ("rejected", "SELLER-2", "request-cancellation"):
        assert words in said


def test_preview_of_a_malformed_command_ends_with_2(shop):
    assert shop("preview", "-", stdin=b"{}").returncode == 2
    assert shop("preview", "-", stdin=b" " * (MAX_LINE_BYTES + 5)).returncode == 2


def test_show_json_is_one_document(shop):
    shown = json.loads(shop("show", "O1", "--json").stdout)
    assert list(shown)[:6] == ["order_id", "version", "state", "buyer_id", "seller_id", "fulfilled_by"]
    assert (shown["order_id"], shown["total"], shown["state"]) == ("O1", 1648, "with-seller")
    assert shown["refunds"][0]["amount"] == 500


def test_show_for_people_has_amounts_in_the_currencys_digits_and_no_escape_codes(shop):
    said = shop("show", "O1").stdout.decode()
    for words in (
        "Order O1",
        "16.48 USD",
        "11.48 USD",
        "5.00 USD",
        "with-seller",
        "O1:refund:1",
        "PARTIAL-1",
        "credit-card",
    ):
        assert words in said
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 120
    assert not any(line.endswith(" ") for line in said.splitlines())


def test_no_color_is_respected_on_a_terminal(shop):
    coloured, _ = on_terminal(shop, "show", "O1", results_too=True)
    shop.env["NO_COLOR"] = "1"
    try:
        plain, _ = on_terminal(shop, "show", "O1", results_too=True)
    finally:
        del shop.env["NO_COLOR"]
    assert "\x1b[36m" in coloured
    assert "\x1b[36m" not in plain


def test_show_then_is_not_show_now(shop):
    then = json.loads(shop("show", "O1", "--as-of", "2026-01-05T10:15:00Z", "--json").stdout)
    assert then["state"] == "seller-window"
    first = json.loads(shop("show", "O1", "--at-version", "1", "--json").stdout)
    assert (first["version"], first["refunds"]) == (1, [])


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("--at-version 9223372036854775807", "order O1 has only 4 versions"),
        ("--at-version 5", "order O1 has only 4 versions"),
        ("--as-of 2026-01-05T09:59:59Z", "order O1 was not placed yet at 2026-01-05T09:59:59Z"),
    ],
)
def test_what_an_order_never_was_is_a_sentence(shop, then, said):
    fails_in_one_sentence(shop("show", "O1", *then.split()), 2, said)


def test_timeline_marks_the_rejected_attempt(shop):
    said = shop("timeline", "O1").stdout.decode()
    assert all(column in said for column in ("happened", "who", "what", "rule"))
    [attempt] = [line for line in said.splitlines() if "✗ rejected" in line]
    assert attempt.endswith("SELLER-2")
    entries = json.loads(shop("timeline", "O1", "--json").stdout)
    assert {"at", "recorded_at", "who", "what", "rule", "status"} == set(entries[0])


def test_options_say_yes_or_no_and_why(shop):
    said = shop("options", "O1", "--at", "2026-01-05T11:00:00Z").stdout.decode()
    [no] = [line for line in said.splitlines() if line.startswith("cancel-items")]
    [yes] = [line for line in said.splitlines() if line.startswith("request-cancellation")]
    assert "✗ no" in no
    assert "SELLER-2" in no
    assert "✓ yes" in yes
    assert "11.48 USD" in yes
    answer = json.loads(shop("options", "O1", "--at", "2026-01-05T11:00:00Z", "--json").stdout)
    assert answer["options"][0]["action"] == "cancel-items"


def test_where_only_waiting_helps_nothing_is_to_be_tried(shop):
    asked = {"command": "request-cancellation", "at": "2026-01-05T11:00:00Z", "order_id": "O1", "items": "all"}
    shell = Shell(shop.directory)
    log = lines(*LOG, {"command_id": "ask", **asked})
    assert shell("run", "-", "--store", "asked.db", stdin=log).returncode == 0
    again = lines({"command_id": "again", **asked, "at": "2026-01-05T11:01:00Z"})
    for call in ("preview -", "options O1 --at 2026-01-05T11:01:00Z"):
        said = shell(*call.split(), "--store", "asked.db", stdin=again).stdout.decode()
        assert "nothing to do but wait" in " ".join(said.split())
        assert "try wait" not in said
        assert "try instead  wait" not in said


def test_options_of_a_moment_in_the_past_say_on_what_they_are_judged(shop):
    note = b"judged on what is recorded by now: the order's latest event happened at 2026-01-05 10:30:00Z"
    assert note in shop("options", "O1", "--at", "2026-01-05T10:15:00Z").stdout
    assert b"judged on" not in shop("options", "O1", "--at", "2026-01-05T11:00:00Z").stdout


def test_tables_that_are_too_wide_are_folded_between_words(shell):
    """A refund with all that a refund can have: the seller's goods, fulfilled and taken back by the marketplace."""
    placing = order("O1", fulfilled_by="marketplace")
    scans = [
        {"command": "dispatch-shipment", "contents": [{"order_id": "O1", "items": "all"}], "carrier": VANS},
        {"command": "deliver"},
    ]
    returned = [
        {"command": "start-return", "order_id": "O1", "items": "all", "reason": "changed-mind"},
        {"command": "receive-return", "return_id": "O1:return:1", "received": RECEIVED},
    ]
    log = [placing, *({**scan, "shipment_id": "P1"} for scan in scans), *returned]
    stamped = [{"command_id": f"c{n}", "at": f"2026-01-0{5 + n}T10:00:00Z", **entry} for n, entry in enumerate(log)]
    assert shell("run", "-", "--strict", stdin=lines(*stamped)).returncode == 0
    said = shell("show", "O1").stdout.decode()
    for words in ("returned", "restocking", "return-shipping", "O1:refund:1", "marketplace", "seller", "RETURN-2"):
        assert words in said.partition("Refunds")[2]
    assert max(map(len, said.splitlines())) <= 120


def test_letters_that_the_terminal_lacks_are_spelled_out(shop):
    done = shop("timeline", "O1", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"rejected" in done.stdout


# The rulebook and the diagram


def test_explain_finds_a_rule_however_it_is_capitalised(shell):
    done = shell("explain", "seller-2")
    assert done.returncode == 0
    assert b"SELLER-2" in done.stdout
    assert json.loads(shell("explain", "SELLER-2", "--json").stdout)["rule"] == "SELLER-2"


def test_explain_names_similar_rules(shell):
    fails_in_one_sentence(shell("explain", "SELER-2"), 2, "SELER-2", "SELLER-2")


def test_explain_alone_lists_every_rule(shell):
    listed = json.loads(shell("explain", "--json").stdout)
    known = {rule["rule"] for rule in listed}
    assert {"ORDER-1", "CANCEL-1", "SELLER-2", "CLAIM-3", "TIME-1", "AUTH-1", "COMBINED-1"} <= known
    said = shell("explain").stdout.decode()
    assert all(rule in said for rule in known)


def test_explain_lists_rules_topic_by_topic_and_by_number(shell):
    listed = [rule["rule"].rpartition("-")[::2] for rule in json.loads(shell("explain", "--json").stdout)]
    topics = list(dict.fromkeys(topic for topic, _ in listed))
    told = "ORDER PACK COMBINED CANCEL SELLER PARTIAL SCAN REFUSE LOST RETURN REFUND CLAIM TIME AUTH"
    assert " ".join(topics) == told
    assert listed == sorted(listed, key=lambda rule: (topics.index(rule[0]), int(rule[1])))


def test_explain_says_where_a_rule_is_enforced(shell):
    said = shell("explain", "SELLER-2").stdout.decode()
    file, line = said.partition("enforced by")[2].split()[0].split(":")
    source = Path(ordertrail.domain.__file__).parent / Path(file).name
    assert file == "domain/cancelling.py"
    assert '"SELLER-2"' in "".join(source.read_text("utf-8").splitlines()[int(line) - 1 : int(line) + 1])


def test_diagram_is_mermaid(shell):
    policy = shell.file("policy.toml", b"")
    done = shell("diagram", "--store", "nowhere.db", "--policy", policy)
    assert done.stdout.startswith(b"stateDiagram-v2")
    assert not (shell.directory / "nowhere.db").exists()


# Which store


def test_the_store_may_stand_before_or_after_the_command_or_in_the_environment(shell):
    assert shell("run", "-", "--store", "a.db", stdin=lines(*LOG)).returncode == 0
    assert shell("--store", "a.db", "show", "O1").returncode == 0
    assert shell("show", "--store", "sqlite:///a.db", "O1").returncode == 0
    assert shell("show", "O1", ORDERTRAIL_STORE="a.db").returncode == 0
    assert shell("show", "--store", "a.db", "O1", ORDERTRAIL_STORE="b.db").returncode == 0
    assert [path.name for path in shell.directory.glob("*.db")] == ["a.db"]


def test_a_run_in_memory_leaves_nothing(shell):
    assert shell("run", "-", "--store", "memory:", stdin=lines(*LOG)).returncode == 0
    assert list(shell.directory.iterdir()) == []


@pytest.mark.parametrize("call", ["show O1", "timeline O1", "options O1", "preview -"])
def test_reading_makes_no_store(shell, call):
    fails_in_one_sentence(shell(*call.split(), "--store", "none.db", stdin=lines(LOG[0])), 3, "none.db")
    assert list(shell.directory.iterdir()) == []


@pytest.mark.parametrize("call", ["show O1", "timeline O1", "options O1", "preview -"])
def test_reading_an_empty_file_makes_no_store_of_it(shell, call):
    name = shell.file("empty.db", b"")
    fails_in_one_sentence(
        shell(*call.split(), "--store", name, stdin=lines(LOG[0])), 3, "there is no store at empty.db"
    )
    assert [path.stat().st_size for path in shell.directory.iterdir()] == [0]


@pytest.mark.parametrize("address", ["mysql:/x", "sqlite:foo.db", "postgresql:ann:s3cret@shop/demo"])
def test_an_address_that_is_none_is_said_to_be_none(shell, address):
    for call in ("show O1", "run -", "demo"):
        done = shell(*call.split(), "--store", address)
        fails_in_one_sentence(done, 3, f"{address.partition(':')[0]}:", "is no address of a store")
        assert b"s3cret" not in done.stderr
    assert list(shell.directory.iterdir()) == []


def test_a_file_that_is_no_store_ends_with_3(shell):
    name = shell.file("notes.txt", b"These are my notes, not a store." * 100)
    fails_in_one_sentence(shell("show", "O1", "--store", name), 3, name)
    fails_in_one_sentence(shell("run", "-", "--store", name, stdin=lines(*LOG)), 3, name)
    fails_in_one_sentence(shell("run", "-", "--store", ".", stdin=lines(*LOG)), 3)


# Wrong arguments


@pytest.mark.parametrize("command", ["show", "timeline", "options"])
def test_an_unknown_order_is_a_sentence(shop, command):
    fails_in_one_sentence(shop(command, "nobody's"), 2, "nobody's")


@pytest.mark.parametrize(
    ("call", "word"),
    [
        ("bogus", "bogus"),
        ("show", "ORDER"),
        ("show O1 --bogus", "--bogus"),
        ("show O1 --as-of yesterday", "yesterday"),
        ("show O1 --as-of 2026-01-05T10:00:00", "offset"),
        ("show O1 --as-of 0001-01-01T00:00:00+14:00", "--as-of"),
        ("show O1 --at-version 0", "--at-version"),
        ("show O1 --at-version 99999999999999999999", "--at-version"),
        ("show ", "ORDER"),
        ("options ", "ORDER"),
        ("timeline ", "ORDER"),
        ("explain SELLER-1 --policy missing.toml", "missing.toml"),
        ("show O1 --at-version 1 --as-of 2026-01-05T10:00:00Z", "--as-of"),
        ("show O1 --store=", "--store"),
        ("show \udcff", "ORDER"),
        ("run missing.jsonl", "missing.jsonl"),
        ("run .", "directory"),
        ("run - --policy missing.toml", "missing.toml"),
        ("demo --orders 0", "--orders"),
    ],
)
def test_a_wrong_argument_is_a_sentence(shell, call, word):
    fails_in_one_sentence(shell(*call.split(" ")), 2, word)
    assert list(shell.directory.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_log_that_may_not_be_read_is_a_sentence(shell):
    (shell.directory / shell.file("secret.jsonl", b"")).chmod(0)
    fails_in_one_sentence(shell("run", "secret.jsonl"), 2, "secret.jsonl")


@pytest.mark.parametrize("content", [b"not toml", b'version = "x"\n', b"\xff\xfe"])
def test_a_bad_policy_is_a_sentence(shell, content):
    name = shell.file("policy.toml", content)
    fails_in_one_sentence(shell("run", "-", "--policy", name, stdin=lines(*LOG)), 2, "policy")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("call", ["diagram", "explain SELLER-1", "run log.jsonl", "--help", "--version", "show --help"])
def test_results_that_cannot_be_written_are_a_sentence(shell, call):
    shell.file("log.jsonl", lines(*LOG))
    with Path("/dev/full").open("wb") as full:
        process = shell.start(*call.split(), stdout=full, stderr=subprocess.PIPE)
        said = process.stderr.read().decode()
    assert process.wait() == 74
    assert said == "ordertrail: standard output: No space left on device\n"


def test_closed_standard_streams_are_no_bug(shell):
    call = f"{SCRIPT} run - <&- >&- ; echo $? ; {SCRIPT} diagram >&- 2>&-; echo $?"
    done = subprocess.run(["sh", "-c", call], cwd=shell.directory, env=shell.env, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "0"]
