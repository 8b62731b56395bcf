"""Recorded messages leave in order, byte for byte, no faster than asked, all accounted for."""

from __future__ import annotations

import argparse
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import replay, webhook
from client.__main__ import main
from client.normalise import limits_of_settings
from lambdas.domain.ticks import Limits
from local import signing
from local.messages import Message, together
from tests.client.door import Door

BODIES = st.sampled_from([b"{}", b"[1.10]", b'{"p": 9.2E-7}', b'"' + b"x" * 60 + b'"', b"NaN"])
MESSAGES = st.lists(st.tuples(st.sampled_from(["okx", "gate"]), BODIES), max_size=30).map(
    lambda drawn: [Message(venue, body, f"m:{n}") for n, (venue, body) in enumerate(drawn)]
)


@given(MESSAGES, st.integers(1, 9), st.integers(80, 400))
def test_batches_hold_every_message_in_its_place(
    messages: list[Message], most: int, bytes_: int
) -> None:
    """GIVEN any messages THEN each is whole in one post of its venue, in order, none too large."""
    posts = list(replay.batches(messages, most, Limits(maximum_body_bytes=bytes_)))
    left = iter(messages)
    for post in posts:
        held = [next(left) for _ in range(post.count)]
        assert {each.exchange for each in held} == {post.exchange}
        alone = post.count == 1
        assert post.body == (held[0].body if alone else together([each.body for each in held]))
        assert alone or (post.count <= most and len(post.body) <= bytes_)
        assert alone or all(each.body != b"NaN" for each in held)
    assert next(left, None) is None


class Clock:
    """A clock that only sleeping moves, and what else takes time."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(
    st.lists(st.tuples(st.integers(1, 9), st.floats(0, 2)), min_size=1, max_size=30),
    st.floats(0.1, 1000),
)
def test_no_stretch_of_time_sees_more_than_the_rate(
    posts: list[tuple[int, float]], per_second: float
) -> None:
    """GIVEN posts and delays in between THEN from any post to a later one the rate is kept."""
    clock = Clock()
    messages = (Message("okx", b"", str(n), count=count) for n, (count, _) in enumerate(posts))
    left: list[tuple[float, int]] = []
    for message in replay.paced(messages, per_second, clock, clock.sleep):
        left.append((clock.now, message.count))
        clock.now += posts[len(left) - 1][1]
    assert [count for _, count in left] == [count for count, _ in posts]
    assert left[0][0] == 100.0
    for start, (begun, _) in enumerate(left):
        for end in range(start, len(left)):
            sent = sum(count for _, count in left[start:end])
            assert sent <= (left[end][0] - begun) * per_second + 1e-6


def test_without_a_rate_nothing_waits() -> None:
    def never(_seconds: float) -> None:
        raise AssertionError

    posts = [Message("okx", b"", "m")] * 3
    assert list(replay.paced(posts, None, Clock(), never)) == posts


@pytest.mark.parametrize(("text", "value"), [("50", 50), ("50/s", 50), ("0.5/s", 0.5)])
def test_a_rate_is_read(text: str, value: float) -> None:
    assert replay.rate(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "x", "5/m", "1e3", "", "٣"])
def test_what_is_no_rate_is_named(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no rate"):
        replay.rate(text)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    secrets = {venue: signing.entry(signing.fresh(venue)) for venue in ("binance", "kraken")}
    monkeypatch.setenv(webhook.SECRETS_VARIABLE, json.dumps(secrets))
    monkeypatch.setenv(webhook.KEY_VARIABLE, "the-key")
    with Door(secrets, "the-key") as one:
        yield one


def recorded(folder: Path) -> Path:
    path = folder / "recorded.jsonl"
    path.write_text(
        '{"exchange": "kraken", "message": {"price": 1.10}}\n'
        '{"exchange": "kraken", "message": [9.2E-7]}\n'
        '{"exchange": "binance", "message": {}}\n'
    )
    return path


def test_all_is_posted_and_counted(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(recorded(tmp_path)), "--batch", "9", "--url", door.url]) == 0
    assert sorted(door.accepted) == [
        ("binance", b"{}"),
        ("kraken", b'{"frames":[{"price": 1.10},[9.2E-7]]}'),
    ]
    assert door.unverified == []
    assert "3 accepted (202) in 2 requests" in " ".join(capsys.readouterr().out.split())


def test_a_wrong_key_is_told_with_what_to_do(
    door: Door,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(webhook.KEY_VARIABLE, "another")
    assert main(["replay", str(recorded(tmp_path)), "--url", door.url]) == 1
    said = capsys.readouterr()
    assert "not accepted: 403" in said.out
    assert "The API key is missing or wrong" in said.err


def test_ticks_that_the_pipeline_ignores_are_told(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a trade of 2021, older than the window THEN it is sent, and the end says what comes."""
    path = tmp_path / "old.jsonl"
    trade = '{"e": "trade", "s": "BTCUSDT", "t": 1, "p": "1.5", "q": "1", "T": 1633998517088}'
    path.write_text(f'{{"exchange": "binance", "message": {trade}}}\n' * 2)
    assert main(["replay", str(path), "--url", door.url]) == 0
    assert len(door.accepted) == 2
    said = capsys.readouterr().err
    assert "2 ticks were older than the pipeline's window of 24 hours" in said
    assert "past_window_seconds" in said


def test_a_file_without_a_message_is_no_success(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("\n")
    assert main(["replay", str(path), "--url", door.url]) == 2
    assert "no message in" in capsys.readouterr().err


def test_a_malformed_line_is_told_and_the_others_are_sent(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded(tmp_path)
    path.write_text(path.read_text() + "no json\n")
    assert main(["replay", str(path), "--url", door.url]) == 1
    assert len(door.accepted) == 3
    assert "recorded.jsonl:4: skipped, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ("{}", "no entry for binance, kraken"),
        ("", "set TF_VAR_webhook_secrets, or give --secrets FILE"),
        ('{"kraken": {"secrets": ["no base64!"]}}', "expects each secret as base64"),
    ],
)
def test_without_a_secret_nothing_is_sent(
    door: Door,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    secrets: str,
    said: str,
) -> None:
    monkeypatch.setenv(webhook.SECRETS_VARIABLE, secrets)
    assert main(["replay", str(recorded(tmp_path)), "--url", door.url]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "no base64!" not in error
    assert not door.accepted


def test_secrets_come_from_a_file(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps(door.secrets))
    path.chmod(stat.S_IRUSR)
    monkeypatch.delenv(webhook.SECRETS_VARIABLE)
    source = str(recorded(tmp_path))
    assert main(["replay", source, "--url", door.url, "--secrets", str(path)]) == 0
    assert not door.unverified


@pytest.mark.parametrize("url", ["", "ftp://x/y", "https://", "https://x/y?z=1"])
def test_an_address_that_is_none_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["replay", "x", "--url", url])
    assert "is no address such as https://" in capsys.readouterr().err


def test_the_limits_are_the_pipelines() -> None:
    assert limits_of_settings().maximum_body_bytes == 180_000
