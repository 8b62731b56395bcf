"""The senders' signatures, against published examples and against what the functions accept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from local import signing

# https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests
_PUBLISHED = signing.Secret(signing.STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_standard_webhooks_signs_as_the_published_example() -> None:
    headers = _PUBLISHED.headers(
        b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(max_size=200), st.integers(0, 2**33))
def test_hmac_covers_the_time_and_every_byte(body: bytes, seconds: int) -> None:
    secret = signing.Secret(signing.HMAC, "swordfish")
    headers = secret.headers(body, "unused", seconds)
    wanted = hmac.new(b"swordfish", f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers == {"x-timestamp": str(seconds), "x-signature": f"sha256={wanted}"}


def test_secrets_are_random_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = signing.kept(path, ["binance", "kraken"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing.kept(path, ["binance", "kraken"]) == first
    more = signing.kept(path, ["binance", "kraken", "okx"])
    assert {venue: more[venue] for venue in first} == first
    texts = {secret.text for secret in more.values()}
    assert len(texts) == 3
    assert texts.isdisjoint({signing.fresh("binance").text, signing.fresh("kraken").text})
    assert {secret.scheme for secret in more.values()} == {signing.STANDARD, signing.HMAC}


def test_the_terraform_variable_is_what_the_stack_documents() -> None:
    known = {venue: signing.fresh(venue) for venue in ("binance", "kraken")}
    document = json.loads(signing.variable(known))
    assert document == {
        "binance": {"scheme": "standard-webhooks", "secrets": [known["binance"].text]},
        "kraken": {"scheme": "hmac-sha256", "secrets": [known["kraken"].text]},
    }
    key = base64.b64decode(known["binance"].text.removeprefix("whsec_"), validate=True)
    assert 24 <= len(key) <= 64
