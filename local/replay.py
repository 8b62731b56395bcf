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
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from local.backoff import Backoff
from local.messages import Message
from local.signing import CONTENT_TYPE, Secret, fresh

WORKERS = 6
"""Messages on their way at a time: below the function's concurrency, above one venue's habit."""

ACCEPTED = 202
PATIENCE = Backoff(first_seconds=0.2, most_seconds=8)
"""How long a sender waits before it tries again."""

SAME_FOR_ALL = (401, 403, 404)
"""Answers that every further message would get too."""

ATTEMPTS = 8
"""How often one message is tried."""

TIMEOUT_SECONDS = 30

_NEXT_STEPS = {
    0: "Look whether the address is right and reachable from here.",
    401: "Look at the address: API Gateway asks for an API key only.",
    403: "The API key is missing or wrong: give the value of the key named exchanges-{suffix}.",
    404: "The address names no webhook: it is the output webhook_url, without the exchange.",
    413: "The message is larger than API Gateway takes.",
    415: "Only application/json is taken.",
    429: "The usage plan's throttle: send more slowly, or more messages a request.",
    202: "The address does not answer as this webhook does: it is the output webhook_url.",
    502: "Nothing was accepted: the message may be too large (processing.maximum_body_bytes).",
}


def may_pass(status: int) -> bool:
    """Whether what a webhook answered may be different the next time: 0 is no answer."""
    return status == 0 or status == 429 or status >= 500


def next_step(status: int) -> str:
    """What to do about an answer that was no acceptance."""
    return _NEXT_STEPS.get(status, "Look into the API's stage and the account's quotas.")


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A message that the webhook did not take: the HTTP status (0: no answer) and its text."""

    message: Message
    status: int
    text: str


@dataclass(slots=True)
class Sent:
    """What became of the messages at the door: those taken, by request id, and the others.

    `taken` and `refused` count the recorded messages in them. `hopeless` is the status that every
    further message would be answered with, 0 while there is none.
    """

    accepted: dict[str, Message] = field(default_factory=dict)
    turned_away: list[TurnedAway] = field(default_factory=list)
    taken: int = 0
    refused: int = 0
    hopeless: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note(self, message: Message, status: int, text: str, told: Callable[[int], None]) -> None:
        """Take in one answer; `told` hears how many requests are through, never two at once."""
        taken = request_id(text) if status == ACCEPTED else None
        with self._lock:
            if taken is not None:
                self.accepted[taken] = message
                self.taken += message.count
            else:
                self.turned_away.append(TurnedAway(message, status, text))
                self.refused += message.count
            if status in SAME_FOR_ALL:
                self.hopeless = status
            told(len(self.accepted) + len(self.turned_away))


def request_id(text: str) -> str | None:
    """The id in what the webhook answers; None when it is not this webhook that answered."""
    try:
        return str(json.loads(text)["request_id"])
    except (ValueError, LookupError, TypeError):
        return None


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
        messages: Iterable[Message],
        told: Callable[[int], None] = lambda _done: None,
        workers: int = WORKERS,
        sent: Sent | None = None,
    ) -> Sent:
        """Post messages as they come, `workers` at a time; `told` hears how many are through.

        What is answered is noted in `sent`, so that it is known after an interrupt too. After an
        answer that would be the same for all (a wrong API key) the rest is not sent. A message is
        taken from `messages` when one can be sent, so that a pace kept there is the webhook's too.
        """
        sent, run = sent or Sent(), secrets.token_hex(6)
        spare = threading.Semaphore(workers - 1)

        def deliver(number: int, message: Message) -> None:
            try:
                if not sent.hopeless:
                    sent.note(message, *self.post(message, f"msg_{run}_{number}"), told)
            finally:
                spare.release()

        pool = ThreadPoolExecutor(workers, thread_name_prefix="venue")
        under_way = []
        try:
            for number, message in enumerate(messages):
                if sent.hopeless:
                    break
                under_way.append(pool.submit(deliver, number, message))
                spare.acquire()
            for each in under_way:
                each.result()
        finally:
            # After an interrupt nothing more is begun; what is on its way arrives.
            pool.shutdown(cancel_futures=True)
        return sent

    def post(self, message: Message, message_id: str, attempts: int = ATTEMPTS) -> tuple[int, str]:
        """Post one message; the last answer's status (0: none) and text."""
        status, text = 0, ""
        for attempt in range(attempts):
            if attempt:
                time.sleep(PATIENCE.pause(attempt, random.random()))
            status, text = self.attempt(message, message_id)
            if not may_pass(status):
                break
        return status, text

    def attempt(self, message: Message, message_id: str) -> tuple[int, str]:
        """Sign and post one message once; the answer's status (0: none) and text."""
        address, headers = self.signed(message, message_id)
        try:
            return self._send(address, message.body, headers)
        except (OSError, http.client.HTTPException) as error:
            return 0, f"{type(error).__name__}: {error}"

    def signed(self, message: Message, message_id: str) -> tuple[str, dict[str, str]]:
        """Where a message is posted, and the headers that it is posted with now."""
        secret = self.secrets.get(message.exchange)
        if secret is None or message.forged:
            secret = fresh(message.exchange)
        headers = secret.headers(message.body, message_id, int(time.time()))
        headers |= {"content-type": CONTENT_TYPE, "x-api-key": self.api_key}
        return f"{self.url}/{quote(message.exchange, safe='')}", headers

    def _send(self, address: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        target = urlsplit(address)
        connection = getattr(self._threads, "connection", None)
        if connection is None:
            kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
            connection = kind[target.scheme](target.netloc, timeout=TIMEOUT_SECONDS)
            self._threads.connection = connection
        try:
            connection.request("POST", target.path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except BaseException:
            # A connection that failed half-way carries no further request.
            self._threads.connection = None
            connection.close()
            raise
