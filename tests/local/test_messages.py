"""Messages are cut out of their lines byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import messages
from local.errors import LocalError
from tests.local.strategies import json_texts, spaces


@given(json_texts, json_texts, spaces, spaces, st.booleans())
def test_the_bytes_of_a_message_are_those_in_its_line(
    message: str, other: str, before: str, after: str, first: bool
) -> None:
    members = [f'"exchange":{after}"kraken"', f'"message"{before}:{before}{message}{after}']
    extra = f'"expected":{other}'
    members = [extra, *members] if first else [*members, extra]
    line = f"{before}{{{','.join(members)}}}{after}"
    cut = messages.cut(line.encode(), "file:1")
    assert cut.body == message.encode()
    assert cut.exchange == "kraken"
    assert json.loads(line)["message"] == json.loads(cut.body) or message.count("E") > 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"exchange": "okx"}', 'no "message"'),
        (b'{"message": {}}', 'no "exchange"'),
        (b'{"exchange": 7, "message": {}}', '"exchange" is 7'),
        (b'{"exchange": "", "message": {}}', '"exchange" is ""'),
        (b'{"exchange": "\\ud800", "message": {}}', "surrogates not allowed"),
        (b"[1]", "expected a JSON object"),
        (b'{"exchange": "okx", "message": {}', "expected ','"),
        (b'{"exchange": "okx", "message": {"a": }}', "Expecting value"),
        (b'{"exchange": "okx", "message": {}} {}', "nothing after the object"),
        (b'{"exchange": "okx", "message": {},}', "Expecting value"),
        (b'{"exchange": "okx", "message": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "expected a JSON object"),
        (b'{"a":' * 100_000, "nested too deep"),
    ],
)
def test_a_line_without_a_message_says_what_it_lacks(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        messages.cut(line, "file:1")


def test_integers_of_any_length_stay_as_they_are() -> None:
    digits = b"1" * 5000
    assert messages.cut(b'{"exchange":"htx","message":' + digits + b"}", "x").body == digits


def test_a_folder_is_read_in_order_and_what_is_malformed_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b'{"exchange":"b","message":2}\n')
    # A line separator of Unicode inside a string, a BOM, blank and malformed lines, no last end.
    (tmp_path / "a.jsonl").write_bytes(
        "\ufeff".encode() + b'{"exchange":"a","message":"\xe2\x80\xa8"}\r\n\n   \nnot json\n'
        b'{"exchange":"a","message":1.10}'
    )
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "notes.txt").write_text("not read")
    found, malformed = messages.read(tmp_path)
    assert [(each.exchange, each.body, each.origin) for each in found] == [
        ("a", b'"\xe2\x80\xa8"', "a.jsonl:1"),
        ("a", b"1.10", "a.jsonl:5"),
        ("b", b"2", "b.jsonl:1"),
    ]
    assert [each.origin for each in malformed] == ["a.jsonl:4"]
    assert messages.read(tmp_path / "b.jsonl")[0] == found[2:]


def test_an_empty_file_holds_no_messages(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert messages.read(tmp_path) == ([], [])


@pytest.mark.parametrize("name", ["missing.jsonl", "missing", "."])
def test_no_file_is_an_error_that_shows_what_is_expected(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalError, match=r"\.jsonl") as failure:
        messages.read(tmp_path / name)
    assert str(tmp_path) in failure.value.what
    assert '"exchange": "binance"' in failure.value.next_step
