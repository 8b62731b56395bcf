"""Messages are posted with their bytes, their signature and patience."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local import replay, signing
from local.messages import Message


class Door(ThreadingHTTPServer):
    """A webhook that answers as told and remembers what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plan: list[int] = []
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/webhooks"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        door = self.server
        assert isinstance(door, Door)
        body = self.rfile.read(int(self.headers["content-length"]))
        with door.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            door.seen.append((self.path, headers, body))
            status = door.plan.pop(0) if door.plan else 202
            number = len(door.seen)
        if status == 0:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        text = json.dumps({"accepted": status == 202, "request_id": f"r{number}"}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def door() -> Iterator[Door]:
    server = Door()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def webhook(door: Door) -> replay.Webhook:
    secrets = {venue: signing.fresh(venue) for venue in ("binance", "kraken")}
    return replay.Webhook(door.url, "the-key", secrets)


def test_bytes_signature_and_key_arrive(door: Door, webhook: replay.Webhook) -> None:
    message = Message("kraken", b'{"price": 1.10, "x": "\xe2\x80\xa8"}', "m:1")
    sent = webhook.post_all([message])
    assert sent.accepted == {"r1": message}
    ((path, headers, body),) = door.seen
    assert path == "/v1/webhooks/kraken"
    assert body == message.body
    assert headers["x-api-key"] == "the-key"
    assert headers["content-type"] == "application/json"
    wanted = webhook.secrets["kraken"].headers(body, "", int(headers["x-timestamp"]))
    assert headers["x-signature"] == wanted["x-signature"]


def test_a_forged_message_is_signed_by_somebody_else(door: Door, webhook: replay.Webhook) -> None:
    webhook.post_all([Message("kraken", b"{}", "m:1", forged=True)])
    ((_, headers, body),) = door.seen
    genuine = webhook.secrets["kraken"].headers(body, "", int(headers["x-timestamp"]))
    assert headers["x-signature"] != genuine["x-signature"]


def test_a_venues_name_cannot_leave_its_place_in_the_path(
    door: Door, webhook: replay.Webhook
) -> None:
    webhook.post_all([Message("../a b?c#ö", b"{}", "m:1")])
    assert door.seen[0][0] == "/v1/webhooks/..%2Fa%20b%3Fc%23%C3%B6"


def test_busy_and_broken_answers_are_tried_again(
    door: Door, webhook: replay.Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    door.plan = [429, 503, 0, 202]
    sent = webhook.post_all([Message("binance", b"{}", "m:1")])
    assert len(sent.accepted) == 1
    assert len(door.seen) == 4
    assert len({headers["webhook-id"] for _, headers, _ in door.seen}) == 1
    assert all(earlier < later * 2 for earlier, later in itertools.pairwise(waits))


@pytest.mark.parametrize(("plan", "status"), [([403], 403), ([415], 415), ([500] * 99, 500)])
def test_what_is_not_taken_is_told(
    door: Door,
    webhook: replay.Webhook,
    monkeypatch: pytest.MonkeyPatch,
    plan: list[int],
    status: int,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    door.plan = plan
    message = Message("binance", b"{}", "m:1")
    sent = webhook.post_all([message])
    assert not sent.accepted
    (away,) = sent.turned_away
    assert (away.message, away.status) == (message, status)


def test_an_answer_that_is_the_same_for_all_ends_the_sending(
    door: Door, webhook: replay.Webhook
) -> None:
    """GIVEN a wrong API key THEN not every message is tried, and the status says so."""
    door.plan = [403] * 99
    messages = [Message("binance", b"%d" % number, f"m:{number}") for number in range(99)]
    sent = webhook.post_all(messages, workers=2)
    assert sent.hopeless == 403
    assert 0 < len(door.seen) == len(sent.turned_away) <= 4
    assert "API key" in replay.next_step(403)


def test_messages_are_taken_as_they_can_be_sent(door: Door, webhook: replay.Webhook) -> None:
    """GIVEN a slow webhook THEN no stock of messages builds up that would leave in a burst."""
    taken = 0
    ahead = []

    def messages() -> Iterator[Message]:
        nonlocal taken
        for number in range(40):
            with door.lock:
                ahead.append(taken - len(door.seen))
            taken += 1
            yield Message("binance", b"%d" % number, f"m:{number}")

    assert len(webhook.post_all(messages(), workers=3).accepted) == 40
    assert max(ahead) <= 3


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"accepted": true}'])
def test_another_server_is_no_webhook(
    webhook: replay.Webhook, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """GIVEN a 202 that is not the webhook's THEN the message does not count as accepted."""
    monkeypatch.setattr(replay.Webhook, "_send", lambda *_: (202, text))
    sent = webhook.post_all([Message("binance", b"{}", "m:1")])
    assert (sent.taken, sent.refused) == (0, 1)
    assert "webhook_url" in replay.next_step(sent.turned_away[0].status)


def test_no_answer_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    closed = replay.Webhook("http://127.0.0.1:1/v1/webhooks", "k", {})
    (away,) = closed.post_all([Message("binance", b"{}", "m:1")]).turned_away
    assert away.status == 0
    assert "refused" in away.text


def test_many_messages_each_get_through_once(door: Door, webhook: replay.Webhook) -> None:
    messages = [Message("binance", b"%d" % number, f"m:{number}") for number in range(200)]
    told: list[int] = []
    sent = webhook.post_all(messages, told.append, workers=8)
    assert sorted(message.origin for message in sent.accepted.values()) == sorted(
        message.origin for message in messages
    )
    assert len(door.seen) == 200
    assert told == list(range(1, 201))
