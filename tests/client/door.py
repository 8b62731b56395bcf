"""A webhook on the loopback: checks the API key, verifies signatures as the function does."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from lambdas.domain.keys import VENUES
from lambdas.domain.signatures import Unverified, verifiers

TOLERANCE_MS = 300_000


class Door(ThreadingHTTPServer):
    """Answers by `plan`, 202 when it is empty or says so; keeps what it answered 202.

    `accepted` holds exchange and body, `unverified` why a signature was not right, `ids` the
    message ids of every attempt.
    """

    daemon_threads = True

    def __init__(self, secrets: Mapping[str, Any], api_key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secrets = dict(secrets)
        self.verifiers = verifiers(json.dumps(self.secrets), VENUES)
        self.api_key = api_key
        self.plan: Callable[[int], int] = lambda _number: 202
        self.accepted: list[tuple[str, bytes]] = []
        self.unverified: list[str] = []
        self.ids: list[str] = []
        self.attempts = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/webhooks"

    def __enter__(self) -> Door:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        exchange = unquote(path.rpartition("/")[2])
        if headers.get("x-api-key") != self.api_key:
            return 403
        if headers.get("content-type") != "application/json":
            return 415
        with self.lock:
            self.attempts += 1
            self.ids.append(headers.get("webhook-id", ""))
            status = self.plan(self.attempts)
            try:
                self.verifiers[exchange].verify(
                    {name: value.encode() for name, value in headers.items()},
                    body,
                    time.time_ns() // 1_000_000,
                    TOLERANCE_MS,
                )
            except Unverified as error:
                self.unverified.append(str(error))
            if status == 202:
                self.accepted.append((exchange, body))
        return status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        door = self.server
        assert isinstance(door, Door)
        body = self.rfile.read(int(self.headers["content-length"]))
        status = door.answer(
            self.path, {name.lower(): value for name, value in self.headers.items()}, body
        )
        text = json.dumps({"accepted": status == 202, "request_id": str(uuid.uuid4())}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass
