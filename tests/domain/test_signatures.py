"""Signatures of webhooks: published vectors, the laws of tampering, and the secrets' validation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdas.domain.errors import MisconfiguredEnvironment
from lambdas.domain.signatures import SCHEMES, Unverified, Verifier, verifiers

VENUES = ("binance", "kraken", "okx")
TOLERANCE_MS = 300_000


def verifier(scheme: str, *secrets: str) -> Verifier:
    return verifiers(json.dumps({"okx": {"scheme": scheme, "secrets": secrets}}), VENUES)["okx"]


@dataclass(frozen=True)
class Vector:
    """A signature that others computed."""

    source: str
    scheme: str
    secret: str
    headers: Mapping[str, bytes]
    body: bytes
    seconds: int = 0


VECTORS = (
    Vector(
        "the reference vector of the Standard Webhooks libraries",
        "standard-webhooks",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        {
            "webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": b"1614265330",
            "webhook-signature": b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        b'{"test": 2432232314}',
        1614265330,
    ),
    Vector(
        "RFC 4231, test case 2",
        "coinbase-commerce",
        "Jefe",
        {
            "x-cc-webhook-signature": b"5bdcc146bf60754e6a042426089575c7"
            b"5a003f089d2739839dec58b964ec3843"
        },
        b"what do ya want for nothing?",
    ),
    Vector(
        "openssl dgst -sha256 -hmac",
        "hmac-sha256",
        "a-secret",
        {
            "x-timestamp": b"1732250000",
            "x-signature": b"sha256=9e5c1a0de0a25919a0771ea12e5aa1b8"
            b"77e3848164b170b65c2608338689ee48",
        },
        b'{"price":"97000.10"}',
        1732250000,
    ),
    Vector(
        "Hook0's conformance suite, the header scheme",
        "coinbase-cdp",
        "a-subscription-secret",
        {
            "x-event-id": b"evt-1",
            "x-delivery-id": b"dlv-1",
            "x-hook0-signature": b"t=1800000000,h=x-event-id x-delivery-id,v1=19a6fb8f6581715b"
            b"241a93af02a58611c3b0ac7b747a8d2a5b120ee418d0c347",
        },
        b'{"event":"user.created"}',
        1800000000,
    ),
    Vector(
        "Hook0's conformance suite, the body scheme",
        "coinbase-cdp",
        "a-subscription-secret",
        {
            "x-hook0-signature": b"t=1800000000,v0=d17d66b66fca89390c5b967c45e8928f"
            b"c732db07a0aabe8167b1e98213081ffe"
        },
        b'{"event":"user.created"}',
        1800000000,
    ),
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.source)
def test_a_published_signature_verifies(vector: Vector) -> None:
    verifier(vector.scheme, vector.secret).verify(
        vector.headers, vector.body, vector.seconds * 1000, TOLERANCE_MS
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.source)
def test_a_published_signature_does_not_verify_another_body(vector: Vector) -> None:
    with pytest.raises(Unverified, match="signature-mismatch"):
        verifier(vector.scheme, vector.secret).verify(
            vector.headers, vector.body + b" ", vector.seconds * 1000, TOLERANCE_MS
        )


# The venues' side, written from the schemes' definitions and apart from the code under test.


def sign_standard_webhooks(secret: str, body: bytes, seconds: int | str) -> dict[str, bytes]:
    content = b"msg_1." + str(seconds).encode() + b"." + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest())
    return {
        "webhook-id": b"msg_1",
        "webhook-timestamp": str(seconds).encode(),
        "webhook-signature": b"v1," + signature,
    }


def sign_hmac_sha256(secret: str, body: bytes, seconds: int | str) -> dict[str, bytes]:
    content = str(seconds).encode() + b"." + body
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {
        "x-timestamp": str(seconds).encode(),
        "x-signature": b"sha256=" + signature.encode(),
    }


def sign_coinbase_commerce(secret: str, body: bytes, _seconds: int | str) -> dict[str, bytes]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-cc-webhook-signature": signature.encode()}


def sign_coinbase_cdp(secret: str, body: bytes, seconds: int | str) -> dict[str, bytes]:
    content = f"{seconds}.content-type x-event-id.application/json.evt_7.".encode() + body
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {
        "content-type": b"application/json",
        "x-event-id": b"evt_7",
        "x-hook0-signature": f"t={seconds},h=content-type x-event-id,v1={signature}".encode(),
    }


Signer = Callable[[str, bytes, int | str], dict[str, bytes]]
SIGNERS: dict[str, Signer] = {
    "standard-webhooks": sign_standard_webhooks,
    "hmac-sha256": sign_hmac_sha256,
    "coinbase-commerce": sign_coinbase_commerce,
    "coinbase-cdp": sign_coinbase_cdp,
}
SIGNED_TIME = sorted(SIGNERS.keys() - {"coinbase-commerce"})
SECRETS = ("d2hhdCBkbyB5YSB3YW50IGZvciBub3RoaW5n", "b3RoZXIgc2VjcmV0IG9mIDMyIGJ5dGVzIG9yIHNv")

schemes = st.sampled_from(sorted(SIGNERS))
seconds_of = st.integers(1, 10**10)
bodies = st.binary(max_size=200)


def test_every_scheme_is_tested() -> None:
    assert set(SIGNERS) | {"none"} == set(SCHEMES)


@given(schemes, bodies, seconds_of, st.integers(-TOLERANCE_MS, TOLERANCE_MS), st.data())
def test_what_the_venue_signed_verifies(
    scheme: str, body: bytes, seconds: int, drift_ms: int, data: st.DataObject
) -> None:
    """With any of the live secrets, headers in any case, within the tolerance."""
    signed = SIGNERS[scheme](data.draw(st.sampled_from(SECRETS)), body, seconds)
    headers = {
        "".join(c.upper() if data.draw(st.booleans()) else c for c in name): value
        for name, value in signed.items()
    }
    verifier(scheme, *SECRETS).verify(headers, body, seconds * 1000 + drift_ms, TOLERANCE_MS)


@given(schemes, bodies, seconds_of, st.data())
def test_whatever_is_changed_the_signature_breaks(
    scheme: str, body: bytes, seconds: int, data: st.DataObject
) -> None:
    """GIVEN a signed message WHEN one bit of the body or of a header changes THEN it is refused.

    Hexadecimal digits may change their case and headers their surrounding space; nothing else.
    """
    headers = SIGNERS[scheme](SECRETS[0], body, seconds)
    target = data.draw(st.sampled_from(["body", *sorted(headers)]))
    original = body if target == "body" else headers[target]
    assume(original)
    place = data.draw(st.integers(0, len(original) * 8 - 1))
    changed = bytearray(original)
    changed[place // 8] ^= 1 << place % 8
    if target == "body":
        body = bytes(changed)
    else:
        assume(bytes(changed).lower().strip() != original.lower())
        headers = {**headers, target: bytes(changed)}
    with pytest.raises(Unverified):
        verifier(scheme, SECRETS[0]).verify(headers, body, seconds * 1000, TOLERANCE_MS)


@given(schemes, bodies, seconds_of)
def test_another_secret_does_not_verify(scheme: str, body: bytes, seconds: int) -> None:
    headers = SIGNERS[scheme](SECRETS[1], body, seconds)
    with pytest.raises(Unverified, match="signature-mismatch"):
        verifier(scheme, SECRETS[0]).verify(headers, body, seconds * 1000, TOLERANCE_MS)


@given(schemes, bodies, seconds_of, st.data())
def test_every_signed_header_is_needed(
    scheme: str, body: bytes, seconds: int, data: st.DataObject
) -> None:
    headers = SIGNERS[scheme](SECRETS[0], body, seconds)
    del headers[data.draw(st.sampled_from(sorted(headers)))]
    with pytest.raises(Unverified, match="missing"):
        verifier(scheme, SECRETS[0]).verify(headers, body, seconds * 1000, TOLERANCE_MS)


@given(
    st.sampled_from(SIGNED_TIME),
    bodies,
    seconds_of,
    st.integers(1, 10**9),
    st.sampled_from([-1, 1]),
)
def test_a_signed_time_outside_the_tolerance_is_refused(
    scheme: str, body: bytes, seconds: int, beyond_ms: int, side: int
) -> None:
    received_at = seconds * 1000 + side * (TOLERANCE_MS + beyond_ms)
    headers = SIGNERS[scheme](SECRETS[0], body, seconds)
    with pytest.raises(Unverified, match="signature-expired"):
        verifier(scheme, SECRETS[0]).verify(headers, body, received_at, TOLERANCE_MS)


@given(
    schemes,
    st.dictionaries(
        st.sampled_from([name for sign in SIGNERS.values() for name in sign(SECRETS[0], b"", 1)]),
        st.binary(max_size=80)
        | st.from_regex(rb"(v1,|sha256=|t=1,v[01]=|t=1,h=)[\x00-\xff]*", fullmatch=True),
    ),
    bodies,
)
def test_no_header_whatsoever_gets_past_or_breaks(
    scheme: str, headers: dict[str, bytes], body: bytes
) -> None:
    with pytest.raises(Unverified) as refused:
        verifier(scheme, *SECRETS).verify(headers, body, 1000, TOLERANCE_MS)
    assert all(secret not in str(refused.value) for secret in SECRETS)


@given(st.text("ab1", min_size=1), st.text("ab1", min_size=1), st.binary(max_size=50), seconds_of)
def test_the_borders_of_the_signed_content_cannot_be_moved(
    left: str, right: str, body: bytes, seconds: int
) -> None:
    """GIVEN a content that reads as another id, time and body THEN that reading is refused."""
    content = f"{left}.{seconds}.{right}.{seconds}.".encode() + body
    key = base64.b64decode(SECRETS[0])
    signature = base64.b64encode(hmac.digest(key, content, "sha256"))
    moved = {
        "webhook-id": f"{left}.{seconds}.{right}".encode(),
        "webhook-timestamp": str(seconds).encode(),
        "webhook-signature": b"v1," + signature,
    }
    with pytest.raises(Unverified, match="full stop"):
        verifier("standard-webhooks", SECRETS[0]).verify(moved, body, seconds * 1000, TOLERANCE_MS)


def test_one_right_signature_among_several_will_do() -> None:
    """GIVEN a venue that rotates its secret, and signs asymmetrically too."""
    good = sign_standard_webhooks(SECRETS[0], b"{}", 100)
    other = sign_standard_webhooks(SECRETS[1], b"{}", 100)["webhook-signature"]
    several = b"v1a,aGVsbG8= " + other + b" v1,not-base64 " + good["webhook-signature"]
    verifier("standard-webhooks", SECRETS[0]).verify(
        {**good, "webhook-signature": several}, b"{}", 100_000, TOLERANCE_MS
    )


def test_a_signature_has_one_spelling() -> None:
    """GIVEN base64 whose unused last bits are set: it decodes to the right bytes all the same."""
    good = sign_standard_webhooks(SECRETS[0], b"{}", 100)
    signature = good["webhook-signature"]
    other = signature[:-2] + bytes([signature[-2] + 1]) + b"="
    assert base64.b64decode(other[3:]) == base64.b64decode(signature[3:])
    with pytest.raises(Unverified, match="signature-mismatch"):
        verifier("standard-webhooks", SECRETS[0]).verify(
            {**good, "webhook-signature": other}, b"{}", 100_000, TOLERANCE_MS
        )


def test_a_weaker_version_does_not_rescue_a_wrong_stronger_one() -> None:
    v0 = hmac.new(b"s", b"100.{}", hashlib.sha256).hexdigest()
    headers = {"x-hook0-signature": f"t=100,v0={v0},h=,v1={'0' * 64}".encode()}
    with pytest.raises(Unverified, match="signature-mismatch"):
        verifier("coinbase-cdp", "s").verify(headers, b"{}", 100_000, TOLERANCE_MS)


def test_a_millisecond_time_is_told_from_seconds() -> None:
    content = b"1732250000123.{}"
    signature = hmac.new(b"s", content, hashlib.sha256).hexdigest()
    headers = {"x-timestamp": b"1732250000123", "x-signature": f"sha256={signature}".encode()}
    verifier("hmac-sha256", "s").verify(headers, b"{}", 1732250000123, 0)


@pytest.mark.parametrize("digits", [14, 5000])
@pytest.mark.parametrize("scheme", SIGNED_TIME)
def test_a_time_of_too_many_digits_is_malformed(scheme: str, digits: int) -> None:
    """GIVEN a rightly signed time that no int would be read from, or no clock shows."""
    headers = SIGNERS[scheme](SECRETS[0], b"{}", "9" * digits)
    with pytest.raises(Unverified, match="signature-malformed"):
        verifier(scheme, SECRETS[0]).verify(headers, b"{}", 1, TOLERANCE_MS)


@given(bodies, st.integers(1, 10**13))
def test_scheme_none_verifies_anything(body: bytes, received_at: int) -> None:
    Verifier("none", ()).verify({}, body, received_at, 1)


MISCONFIGURED = {
    "not JSON": ('{"binance": "topsecret', "not valid JSON"),
    "no object": ('["topsecret"]', "expected an object of venues"),
    "an unknown venue": ('{"binnance": {"secrets": ["topsecret"]}}', "no such venue"),
    "a venue twice": (
        '{"okx": {"secrets": ["topsecret"]}, "okx": {"scheme": "none"}}',
        "occurs twice",
    ),
    "no entry": ('{"okx": "topsecret"}', "venue 'okx': expected an object"),
    "a misspelt name": ('{"okx": {"secret": ["topsecret"]}}', "venue 'okx': expected an object"),
    "an unknown scheme": (
        '{"okx": {"scheme": "topsecret", "secrets": ["x"]}}',
        "venue 'okx': expected as scheme one of standard-webhooks",
    ),
    "a list as scheme": ('{"okx": {"scheme": ["topsecret"]}}', "expected as scheme one of"),
    "no secret": ('{"okx": {"scheme": "hmac-sha256"}}', "expects at least one secret"),
    "an empty secret": ('{"okx": {"secrets": ["topsecret", ""]}}', "none of them empty"),
    "a number as secret": ('{"okx": {"secrets": [7]}}', "list of texts"),
    "one text for the list": ('{"okx": {"secrets": "topsecret"}}', "list of texts"),
    "a secret that nothing uses": (
        '{"okx": {"scheme": "none", "secrets": ["topsecret"]}}',
        "expects no secrets",
    ),
    "not base64": ('{"okx": {"secrets": ["whsec_topsecret!"]}}', "each secret as base64"),
    "an empty key": ('{"okx": {"secrets": ["whsec_"]}}', "each secret as base64"),
    "a lone surrogate": (
        '{"okx": {"scheme": "hmac-sha256", "secrets": ["topsecret\\ud800"]}}',
        "UTF-8 can encode",
    ),
    "deep nesting": ("[" * 100_000, "not valid JSON"),
}


@pytest.mark.parametrize(("text", "expected"), MISCONFIGURED.values(), ids=MISCONFIGURED)
def test_wrong_secrets_are_told_without_telling_them(text: str, expected: str) -> None:
    with pytest.raises(MisconfiguredEnvironment) as refused:
        verifiers(text, VENUES)
    assert expected in str(refused.value)
    assert "WEBHOOK_SECRETS" in str(refused.value)
    assert "topsecret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*VENUES, "scheme", "secrets"]) | st.text(), inner)
        ),
    ).map(json.dumps)
)
def test_any_secrets_are_read_or_refused(text: str) -> None:
    try:
        read = verifiers(text, VENUES)
    except MisconfiguredEnvironment:
        return
    assert read.keys() <= set(VENUES)


def test_a_verifier_does_not_show_its_keys() -> None:
    assert "topsecret" not in repr(verifier("hmac-sha256", "topsecret"))


def test_the_default_scheme_is_standard_webhooks_and_padding_is_optional() -> None:
    with_padding, without = (
        verifiers(json.dumps({"okx": {"secrets": [secret]}}), VENUES)["okx"]
        for secret in ("whsec_YWI=", "YWI")
    )
    assert with_padding.scheme == without.scheme == "standard-webhooks"
    assert with_padding._keys == without._keys == (b"ab",)
