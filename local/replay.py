"""Posts messages to the webhook as the venues would: signed, several at a time, patient.

A venue tries again when it is told to wait (429) or meets an error on our side (5xx); what is
answered otherwise is final. The pipeline recognizes what arrives twice, so trying again is safe.
"""

from __future__ import annotations

import http.client
import json
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from local.messages import Message
from local.signing import Secret, fresh

WORKERS = 6
"""Messages on their way at a time: below the function's concurrency, above one venue's habit."""

_ATTEMPTS = 8
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A message that the webhook did not take: the HTTP status (0: no answer) and its text."""

    message: Message
    status: int
    text: str


@dataclass(slots=True)
class Sent:
    """What became of the messages at the door: those taken, by request id, and the others."""

    accepted: dict[str, Message] = field(default_factory=dict)
    turned_away: list[TurnedAway] = field(default_factory=list)


@dataclass(slots=True)
class Webhook:
    """The webhook of one environment: its address, the API key, and what each venue signs with.

    Each venue posts to its name below `url`.
    """

    url: str
    api_key: str
    secrets: Mapping[str, Secret]
    _threads: threading.local = field(default_factory=threading.local, repr=False)

    def post_all(
        self,
        messages: Sequence[Message],
        told: Callable[[int], None] = lambda _done: None,
        workers: int = WORKERS,
    ) -> Sent:
        """Post messages, `workers` at a time; `told` hears how many are through."""
        sent, run = Sent(), secrets.token_hex(6)

        def deliver(numbered: tuple[int, Message]) -> TurnedAway | tuple[str, Message]:
            number, message = numbered
            status, text = self.post(message, f"msg_{run}_{number}")
            if status != 202:
                return TurnedAway(message, status, text)
            return str(json.loads(text)["request_id"]), message

        pool = ThreadPoolExecutor(workers, thread_name_prefix="venue")
        try:
            for done, result in enumerate(pool.map(deliver, enumerate(messages)), 1):
                if isinstance(result, TurnedAway):
                    sent.turned_away.append(result)
                else:
                    sent.accepted[result[0]] = result[1]
                told(done)
        finally:
            # After an interrupt nothing more is begun; what is on its way arrives.
            pool.shutdown(cancel_futures=True)
        return sent

    def post(self, message: Message, message_id: str, attempts: int = _ATTEMPTS) -> tuple[int, str]:
        """Post one message; the last answer's status (0: none) and text."""
        secret = self.secrets.get(message.exchange)
        if secret is None or message.forged:
            secret = fresh(message.exchange)
        status, text = 0, ""
        for attempt in range(attempts):
            if attempt:
                time.sleep(min(8.0, 0.1 * 2**attempt) * random.uniform(0.5, 1))
            headers = secret.headers(message.body, message_id, int(time.time()))
            headers |= {"content-type": "application/json", "x-api-key": self.api_key}
            try:
                status, text = self._send(message, headers)
            except (OSError, http.client.HTTPException) as error:
                status, text = 0, f"{type(error).__name__}: {error}"
                continue
            if status != 429 and status < 500:
                break
        return status, text

    def _send(self, message: Message, headers: Mapping[str, str]) -> tuple[int, str]:
        target = urlsplit(f"{self.url}/{quote(message.exchange, safe='')}")
        connection = getattr(self._threads, "connection", None)
        if connection is None:
            kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
            connection = kind[target.scheme](target.netloc, timeout=_TIMEOUT_SECONDS)
            self._threads.connection = connection
        try:
            connection.request("POST", target.path, message.body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except BaseException:
            # A connection that failed half-way carries no further request.
            self._threads.connection = None
            connection.close()
            raise
