"""The senders' signatures, against published examples and against what the functions accept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain.signatures import SCHEMES, Unverified, verifiers
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


def test_the_file_is_the_terraform_variable_and_what_it_says_stays(tmp_path: Path) -> None:
    """GIVEN a secret being rotated in the file THEN it stays, and the first one signs."""
    path = tmp_path / "secrets.json"
    rotated = {"scheme": "hmac-sha256", "secrets": ["the old one", "the new one"]}
    path.write_text(json.dumps({"kraken": rotated}))
    known = signing.kept(path, ["binance", "kraken"])
    assert known["kraken"] == signing.Secret("hmac-sha256", "the old one")
    document = json.loads(path.read_text())
    assert document == {
        "binance": {"scheme": "standard-webhooks", "secrets": [known["binance"].text]},
        "kraken": rotated,
    }
    assert verifiers(path.read_text(), ["binance", "kraken"]).keys() == document.keys()
    key = base64.b64decode(known["binance"].text.removeprefix("whsec_"), validate=True)
    assert 24 <= len(key) <= 64


@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.binary(max_size=200), st.integers(1, 2**33), st.binary(min_size=1, max_size=4))
def test_every_scheme_is_signed_as_the_function_verifies_it(
    scheme: str, body: bytes, seconds: int, more: bytes
) -> None:
    """Two readings of each definition agree: what is signed here is accepted there, alone."""
    text = "" if scheme == signing.NONE else base64.b64encode(b"swordfish" * 3).decode()
    entry = {"scheme": scheme, "secrets": [text] if text else []}
    verifier = verifiers(json.dumps({"okx": entry}), ["okx"])["okx"]
    secret = signing.live(entry)
    headers = {
        name: value.encode()
        for name, value in {
            "content-type": signing.CONTENT_TYPE,
            **secret.headers(body, "msg_1", seconds),
        }.items()
    }
    verifier.verify(headers, body, seconds * 1000, 0)
    if scheme != signing.NONE:
        with pytest.raises(Unverified, match="signature-mismatch"):
            verifier.verify(headers, body + more, seconds * 1000, 0)


def test_a_secret_does_not_show_itself() -> None:
    assert "swordfish" not in repr(signing.Secret(signing.HMAC, "swordfish"))


def test_a_scheme_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match="'ed25519' is no scheme"):
        signing.Secret("ed25519", "x").headers(b"", "msg_1", 1)
