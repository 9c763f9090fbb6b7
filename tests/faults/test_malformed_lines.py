"""Lines that are no commands, through the real command line: each is `invalid` and says where, and the log goes on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ordertrail.application import Orders, Principal
from ordertrail.interfaces.cli import ordertrail as command_line
from processes import PATIENCE, SCRIPT, environment, ordertrail, results
from recorded_log import SPOILT, recorded_log

PLACING: dict[str, Any] = {
    "command": "place-order",
    "command_id": "bad",
    "at": "2026-01-05T10:00:00Z",
    "order_id": "O2",
    "buyer_id": "B1",
    "fulfilled_by": "marketplace",
    "currency": "USD",
    "items": [{"item_id": "A", "sku": "mug", "quantity": 1, "unit_price": 500}],
    "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 500}],
}


def placing(**changes: Any) -> bytes:
    return json.dumps({key: value for key, value in (PLACING | changes).items() if value is not ...}).encode()


def item(**changes: Any) -> bytes:
    return placing(items=[PLACING["items"][0] | changes])


HUGE = b"1" + b"0" * 5000
TEXT = placing()

BAD_LINES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"place an order, please", "line"),
    "half a line": (TEXT[:40], "line"),
    "a trailing comma": (TEXT[:-1] + b",}", "line"),
    "two objects": (TEXT + b" " + TEXT, "line"),
    "a list": (b"[1, 2]", "line"),
    "a string": (b'"place-order"', "line"),
    "a number": (b"7", "line"),
    "null": (b"null", "line"),
    "no UTF-8": (TEXT.replace(b"mug", b"m\xfcg"), "line"),
    "UTF-16": (TEXT.decode().encode("utf-16-le"), "line"),
    "nested too deeply": (b'{"command": ' * 200_000, "line"),
    "lists nested too deeply": (b"[" * 500_000, "line"),
    "nested deeply in a field": (TEXT.replace(b'"mug"', b"[" * 500 + b"]" * 500), "items[0].sku"),
    "a command missing": (placing(command=...), "command"),
    "an unknown command": (placing(command="palce-order"), "command"),
    "a command that is none": (placing(command=["place-order"]), "command"),
    "a command_id missing": (placing(command_id=...), "command_id"),
    "a command_id that is null": (placing(command_id=None), "command_id"),
    "a command_id that is a number": (placing(command_id=7), "command_id"),
    "an empty id": (placing(order_id=""), "order_id"),
    "a misspelt field": (placing(buyer="B1"), "buyer"),
    "a misspelt field of an item": (item(qty=1), "qty"),
    "a missing field": (placing(buyer_id=...), "buyer_id"),
    "a missing field of an item": (placing(items=[{"item_id": "A"}]), "items[0].sku"),
    "an ill-typed field": (placing(items="A"), "items"),
    "a time missing": (placing(at=...), "at"),
    "a naive time": (placing(at="2026-01-05T10:00:00"), "at"),
    "a time that is none": (placing(at="yesterday"), "at"),
    "a time that is a number": (placing(at=1767607200), "at"),
    "a time before all times": (placing(at="0001-01-01T00:00:00+14:00"), "at"),
    "the 30th of February": (placing(at="2026-02-30T10:00:00Z"), "at"),
    "a negative quantity": (item(quantity=-1), "items[0].quantity"),
    "a quantity of none": (item(quantity=0), "items[0].quantity"),
    "a huge quantity": (item(quantity=10**9), "items[0].quantity"),
    "a negative price": (item(unit_price=-5), "items[0].unit_price"),
    "a price in fractions": (item(unit_price=4.99), "items[0].unit_price"),
    "a price as text": (item(unit_price="499"), "items[0].unit_price"),
    "a price that is true": (item(unit_price=True), "items[0].unit_price"),
    "a price beyond 64 bits": (item(unit_price=10**25), "items[0].unit_price"),
    "a price of 5,001 digits": (TEXT.replace(b"500}", HUGE + b"}", 1), "items[0].unit_price"),
    "a price with an exponent": (TEXT.replace(b"500}", b"5e2}", 1), "items[0].unit_price"),
    "a price beyond floats": (TEXT.replace(b"500}", b"1e999}", 1), "items[0].unit_price"),
    "NaN": (item(unit_price=float("nan")), "items[0].unit_price"),
    "Infinity": (item(unit_price=float("-inf")), "items[0].unit_price"),
    "a key twice": (TEXT[:-1] + b', "order_id": "O3"}', "order_id"),
    "a key twice in an item": (TEXT.replace(b'"sku"', b'"sku": "cup", "sku"'), "sku"),
    "NUL in an id": (placing(order_id="O\0"), "order_id"),
    "NUL in a command_id": (placing(command_id="c\0"), "command_id"),
    "a line end in an id": (placing(order_id="O\n1"), "order_id"),
    "a lone surrogate in an id": (placing(order_id="O\ud800"), "order_id"),
    "a lone surrogate in a command_id": (placing(command_id="\udfff"), "command_id"),
    "a lone surrogate in a command": (placing(command="\ud800"), "command"),
    "a lone surrogate in a choice": (placing(fulfilled_by="\ud800"), "fulfilled_by"),
    "a lone surrogate in a time": (placing(at="\ud800"), "at"),
    "a lone surrogate in a code": (placing(currency="\ud800"), "currency"),
    "a lone surrogate in a field's name": (placing(**{"\ud800": 1}), "\\ud800"),
    "a lone surrogate in a title": (item(title="\ud800"), "items[0].title"),
    "an id of 300 letters": (placing(order_id="x" * 300), "order_id"),
    "a command_id of 300 letters": (placing(command_id="x" * 300), "command_id"),
    "a name of 300 letters": (placing(**{"x" * 300: 1}), "x" * 100),
    "a byte order mark amidst the log": (b"\xef\xbb\xbf" + TEXT, "line"),
}

GOOD = [placing(command_id=f"good-{n}", order_id=f"G{n}") for n in range(2)]


def spoilt(tmp_path: Path, content: bytes) -> tuple[int, list[dict[str, Any]], str]:
    """Run these bytes as a log: exit status, results, standard error."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(content)
    done = ordertrail("run", log, "--store", tmp_path / "s.db")
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr, done.stderr.decode()
    return done.returncode, results(done.stdout), done.stderr.decode()


def test_every_bad_line_is_invalid_names_its_field_and_the_log_goes_on(tmp_path: Path) -> None:
    bad = list(BAD_LINES.items())
    content = b"".join([GOOD[0] + b"\n", *(line + b"\n" for _, (line, _) in bad), GOOD[1] + b"\n"])
    status, told, said = spoilt(tmp_path, content)
    assert status == 2
    assert [result["line"] for result in told] == list(range(1, len(bad) + 3))
    assert [told[0]["status"], told[-1]["status"]] == ["accepted", "accepted"]
    wrong = {
        name: result
        for (name, (_, field)), result in zip(bad, told[1:-1], strict=True)
        if result["status"] != "invalid" or field not in result["reason"].partition(": ")[0]
    }
    assert not wrong
    assert f"{len(bad)} invalid" in said
    assert all(len(result["reason"]) < 1000 for result in told[1:-1])


NASTY: list[Any] = [
    "\ud800",
    "\0",
    "x" * 300,
    "",
    None,
    True,
    -1,
    10**30,
    1.5,
    [],
    {},
    {"\ud800": "\ud800"},
    "\x7f\u202e",
]


@pytest.mark.slow
def test_whatever_stands_in_whatever_field_it_is_an_answer_and_no_failure(tmp_path: Path) -> None:
    """Every command with every nasty value in every field."""
    samples: dict[str, dict[str, Any]] = {}
    for line in recorded_log(160).splitlines():
        if line not in SPOILT:
            samples.setdefault(json.loads(line)["command"], json.loads(line))
    lines = []
    for sample in samples.values():
        for field, value in sample.items():
            for nasty in NASTY:
                lines.append(sample | {field: nasty})
                if isinstance(value, list) and value and isinstance(value[0], dict):
                    lines += [sample | {field: [value[0] | {inner: nasty}, *value[1:]]} for inner in value[0]]
                if isinstance(value, dict):
                    lines += [sample | {field: value | {inner: nasty}} for inner in value]
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    status, told, _ = spoilt(tmp_path, content)
    assert status == 2
    assert len(told) == len(lines)
    invalid = [result for result in told if result["status"] == "invalid"]
    assert len(invalid) > len(lines) * 0.8
    assert all(": " in result["reason"] for result in invalid), [r for r in invalid if ": " not in r["reason"]][:5]


# A process of its own measures: what a child inherits at its start would count as its own.
MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, flush=True)
sys.exit(status)
"""


def test_a_line_of_fifty_megabytes_is_invalid_and_memory_stays_flat(tmp_path: Path) -> None:
    peaks = []
    for name, padding in (("small", 10), ("large", 50_000_000)):
        log = tmp_path / f"{name}.jsonl"
        with log.open("wb") as file:
            file.write(GOOD[0] + b"\n")
            file.write(b'{"command": "place-order", "padding": "' + b"x" * padding + b'"}\n')
            file.write(GOOD[1] + b"\n")
        call = [sys.executable, "-c", MEASURED, SCRIPT, "run", log, "--store", tmp_path / f"{name}.db"]
        done = subprocess.run(call, capture_output=True, env=environment(), timeout=PATIENCE, check=False)
        *printed, peak = done.stdout.splitlines(keepends=True)
        told = results(b"".join(printed))
        assert done.returncode == 2
        assert [result["status"] for result in told] == ["accepted", "invalid", "accepted"]
        peaks.append(int(peak) / 1024)
    assert told[1]["reason"].startswith("line: ")
    assert peaks[1] < peaks[0] + 20, f"megabytes: {peaks}"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\n".join(GOOD), id="no line end at the end"),
        pytest.param(b"\r\n".join(GOOD) + b"\r\n", id="CRLF"),
        pytest.param(b"\xef\xbb\xbf" + b"\n".join(GOOD) + b"\n", id="a byte order mark at the start"),
        pytest.param(b"\xef\xbb\xbf\r\n" + b"\r\n".join(GOOD) + b"\r\n", id="a byte order mark alone on its line"),
        pytest.param(b"\n \n\t\r\n" + b"\n\n".join(GOOD) + b"\n\n", id="blank lines"),
        pytest.param(b"  " + b" \n  ".join(GOOD) + b" \n", id="blanks around"),
    ],
)
def test_how_lines_end_and_a_file_begins_does_not_matter(tmp_path: Path, content: bytes) -> None:
    status, told, said = spoilt(tmp_path, content)
    assert status == 0, said
    assert [result["status"] for result in told] == ["accepted", "accepted"]
    assert [result["line"] for result in told] == [n for n, line in enumerate(content.split(b"\n"), 1) if b"{" in line]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"], ids=["empty", "blank", "only a byte order mark"])
def test_a_log_without_commands_is_fine(tmp_path: Path, content: bytes) -> None:
    status, told, said = spoilt(tmp_path, content)
    assert (status, told) == (0, []), said


STRANGE_IDS = [
    "a/b/../c",
    "with spaces  inside",
    " blank at the ends ",
    "🚚📦",
    "O1:request:1",
    ":",
    "::refund:1",
    'quo"ted',
    "it's",
    "back\\slash",
    "\\u0041",
    "%s %d {0} ?",
    "[bold]markup[/bold] :truck:",
    "'; DROP TABLE journal; --",
    "null",
    "-",
    "Ünïcödé 漢字 عربى",
    "x" * 200,
]


@pytest.mark.slow
def test_any_printable_id_works_in_every_command_and_in_the_ids_derived_from_it(tmp_path: Path) -> None:
    content, store = b"", str(tmp_path / "s.db")
    for strange in STRANGE_IDS:
        commands: list[dict[str, Any]] = [
            PLACING
            | {"order_id": strange, "buyer_id": strange, "seller_id": strange, "fulfilled_by": "seller"}
            | {"items": [PLACING["items"][0] | {"item_id": strange}]}
            | {"payments": [PLACING["payments"][0] | {"payment_id": strange}]},
            {
                "command": "request-cancellation",
                "order_id": strange,
                "items": {strange: 1},
                "at": "2026-01-05T11:00:00Z",
            },
            {"command": "answer-cancellation", "request_id": f"{strange}:request:1", "approve": False},
            {"command": "deliver", "shipment_id": strange},
            {"command": "start-return", "order_id": strange, "items": "all", "reason": "damaged"},
            {"command": "hand-over-return", "return_id": f"{strange}:return:1"},
            {
                "command": "receive-return",
                "return_id": f"{strange}:return:1",
                "received": [{"item_id": strange, "quantity": 1, "condition": "opened"}],
            },
            {"command": "submit-payout", "refund_id": f"{strange}:refund:1", "payment_id": strange},
            {
                "command": "report-payout",
                "refund_id": f"{strange}:refund:1",
                "payment_id": strange,
                "outcome": "paid",
                "reference": strange,
            },
        ]
        packing = {
            "command": "pack-shipment",
            "shipment_id": strange,
            "contents": [{"order_id": strange, "items": {strange: 1}}],
            "carrier": {"name": strange, "kind": "partner"},
        }
        commands.insert(3, packing)
        for number, command in enumerate(commands):
            command = {"at": "2026-01-06T10:00:00Z"} | command | {"command_id": f"{number}{strange}"[:200]}
            content += json.dumps(command, ensure_ascii=bool(number % 2)).encode() + b"\n"
    status, told, said = spoilt(tmp_path, content)
    assert [result for result in told if result["status"] != "accepted"] == []
    assert status == 0, said
    assert json.loads(ordertrail("show", "--json", "--store", store, "--", "🚚📦").stdout)["state"] == "refunded"
    for strange in STRANGE_IDS:  # in this process from here on, as so many others would take a minute
        answer = json.loads(asked("show", "--json", "--store", store, "--", strange))
        assert (answer["order_id"], answer["state"]) == (strange, "refunded")
        assert answer["refunds"][0]["refund_id"] == f"{strange}:refund:1"
        assert answer["returns"][0]["return_id"] == f"{strange}:return:1"
        assert json.loads(asked("options", "--json", "--store", store, "--", strange))["order_id"] == strange
        for call in ("show", "timeline", "options"):
            table = asked(call, "--store", store, "--", strange)
            assert strange.strip() in table or len(strange) > 20, table


def asked(*arguments: str) -> str:
    done = CliRunner().invoke(command_line, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("field", ["command_id", "order_id", "fulfilled_by", "currency", "command", "\ud800"])
def test_embedded_too_a_lone_surrogate_is_an_answer_and_no_failure(field: str) -> None:
    command = {key: value for key, value in PLACING.items() if key != "at"} | {field: "\ud800"}
    with Orders.open("memory:") as orders:
        result = orders.handle(command, by=Principal("marketplace"))
        assert result.status == "invalid"
        assert field.encode("utf-8", "backslashreplace").decode() in str(result.reason)
        assert result.to_json()
