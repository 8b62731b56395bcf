"""Whether a webhook was sent by who holds the venue's secret: signatures over the raw bytes.

scheme             headers                                          signed content
-----------------  -----------------------------------------------  -----------------------
standard-webhooks  webhook-id, webhook-timestamp, webhook-signature id.timestamp.body
                   (`v1,` + base64, several separated by spaces)
hmac-sha256        x-timestamp, x-signature (`sha256=` + hex)       timestamp.body
coinbase-commerce  x-cc-webhook-signature (hex)                     body
coinbase-cdp       x-hook0-signature (`t=...,h=...,v1=<hex>`)       t.h.values of h.body
                   (where v1 is missing: `v0=<hex>`)                t.body
none               nothing is verified: the API key alone protects the venue

Every signature is HMAC-SHA256. A signed time must lie within a tolerance of the receive time, not
of the clock: a redrive days later verifies as the first delivery did. `coinbase-commerce` signs no
time, so a recorded request can be sent again at any later time; its ticks are then duplicates, or
too old for their own time window.

Sources:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
https://docs.cdp.coinbase.com/webhooks/verify-signatures
https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-security
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from lambdas.domain.errors import MisconfiguredEnvironment

Headers = Mapping[str, bytes]
"""Header values as bytes, by name."""


class Unverified(Exception):
    """A message that is not known to come from its venue.

    `reason` is a kebab-case code to count by, `detail` says what was found and expected; neither
    holds a secret or a signature that would have been right.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Verifier:
    """How one venue's messages are verified: a scheme and the keys that are live.

    While a secret is being rotated there are several keys; a signature by any of them will do.
    """

    def __init__(self, scheme: str, keys: tuple[bytes, ...]) -> None:
        self.scheme = scheme
        self._keys = keys

    def verify(self, headers: Headers, body: bytes, received_at: int, tolerance_ms: int) -> None:
        """Return when `body` is signed as the scheme asks; raise `Unverified` when it is not.

        `received_at` is the receive time in milliseconds of the Unix epoch, `tolerance_ms` how
        far from it, before or after, a signed time may lie.
        """
        named = {name.lower(): value for name, value in headers.items()}
        signed_ms = _SCHEMES[self.scheme](self._keys, named, body)
        if signed_ms is not None and abs(signed_ms - received_at) > tolerance_ms:
            raise Unverified(
                "signature-expired",
                f"signed at {signed_ms} ms, received at {received_at} ms; expected at most "
                f"{tolerance_ms} ms between the two",
            )


def verifiers(secrets: str, venues: Collection[str]) -> dict[str, Verifier]:
    """Return each configured venue's verifier, from the JSON text of the webhook secrets.

    `{"binance": {"scheme": "hmac-sha256", "secrets": ["…", "…"]}, …}`; the scheme may be left out,
    it is then `standard-webhooks`. `venues` are the names there may be. Raises
    `MisconfiguredEnvironment`, naming the venue and what was expected, never a secret.
    """
    try:
        configured = json.loads(secrets, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        repeated = str(error) if isinstance(error, _RepeatedName) else "it is not valid JSON"
        # Not chained: a JSON error carries the document it was raised for, the secrets.
        raise _misconfigured("the value", repeated) from None
    if not isinstance(configured, dict):
        raise _misconfigured("the value", "expected an object of venues")
    for venue in configured.keys() - set(venues):
        raise _misconfigured(
            f"venue {venue[:40]!r}",
            f"there is no such venue; known are {', '.join(sorted(venues))}",
        )
    return {venue: _verifier(venue, entry) for venue, entry in configured.items()}


def _verifier(venue: str, entry: Any) -> Verifier:
    where = f"venue {venue!r}"
    if not isinstance(entry, dict) or not entry.keys() <= {"scheme", "secrets"}:
        raise _misconfigured(where, 'expected an object {"scheme": …, "secrets": […]}')
    scheme = entry.get("scheme", "standard-webhooks")
    if not isinstance(scheme, str) or scheme not in _SCHEMES:
        raise _misconfigured(where, f"expected as scheme one of {', '.join(_SCHEMES)}")
    secrets = entry.get("secrets", [])
    if not isinstance(secrets, list) or not all(isinstance(s, str) and s for s in secrets):
        raise _misconfigured(where, "expected as secrets a list of texts, none of them empty")
    if bool(secrets) == (scheme == "none"):
        expected = "no secrets" if secrets else "at least one secret"
        raise _misconfigured(where, f"scheme {scheme!r} expects {expected}")
    try:
        return Verifier(scheme, tuple(_key(scheme, secret) for secret in secrets))
    except ValueError:
        expectation = f"scheme {scheme!r} expects each secret as {_SECRET_FORM[scheme]}"
        raise _misconfigured(where, expectation) from None


def _key(scheme: str, secret: str) -> bytes:
    if scheme != "standard-webhooks":
        return secret.encode()
    encoded = secret.removeprefix("whsec_").rstrip("=")
    key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    if not key:
        raise ValueError("empty key")
    return key


_SECRET_FORM = {
    "standard-webhooks": "base64, usually with the prefix whsec_",
    "hmac-sha256": "text that UTF-8 can encode",
    "coinbase-commerce": "text that UTF-8 can encode",
    "coinbase-cdp": "text that UTF-8 can encode",
}


def _misconfigured(where: str, problem: str) -> MisconfiguredEnvironment:
    return MisconfiguredEnvironment(
        f"environment variable WEBHOOK_SECRETS, {where}: {problem}; set the Terraform variable "
        "webhook_secrets and deploy again"
    )


class _RepeatedName(ValueError):
    """An object that names something twice; the parser would silently keep the last."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise _RepeatedName("a name occurs twice in one object")
    return read


# A scheme returns the signed time in milliseconds, None when it signs none, or raises Unverified.


def _standard_webhooks(keys: tuple[bytes, ...], headers: Headers, body: bytes) -> int:
    identity = _header(headers, "webhook-id")
    timestamp = _header(headers, "webhook-timestamp")
    # The specification asks senders for ids without a full stop; one in the id would let the
    # borders between id, time and body be moved without changing the signed content.
    if b"." in identity:
        raise Unverified("signature-malformed", "webhook-id holds a full stop, expected none")
    signed_ms = _milliseconds(timestamp, "webhook-timestamp")
    # Other versions exist (v1a is asymmetric) and are skipped.
    signatures = [
        token.removeprefix(b"v1,")
        for token in _header(headers, "webhook-signature").split()
        if token.startswith(b"v1,")
    ]
    # Compared as text: several base64 texts decode to the same bytes, only one is what was sent.
    _match(keys, b".".join((identity, timestamp, body)), signatures, base64.b64encode)
    return signed_ms


def _hmac_sha256(keys: tuple[bytes, ...], headers: Headers, body: bytes) -> int:
    timestamp = _header(headers, "x-timestamp")
    signed_ms = _milliseconds(timestamp, "x-timestamp")
    version, _, signature = _header(headers, "x-signature").partition(b"=")
    if version != b"sha256":
        raise Unverified("signature-malformed", "expected x-signature to begin with 'sha256='")
    _match(keys, b".".join((timestamp, body)), [signature.lower()])
    return signed_ms


def _coinbase_commerce(keys: tuple[bytes, ...], headers: Headers, body: bytes) -> None:
    _match(keys, body, [_header(headers, "x-cc-webhook-signature").lower()])


def _coinbase_cdp(keys: tuple[bytes, ...], headers: Headers, body: bytes) -> int:
    parts: dict[bytes, bytes] = {}
    for part in _header(headers, "x-hook0-signature").split(b","):
        name, _, value = (text.strip() for text in part.partition(b"="))
        if parts.setdefault(name, value) != value:
            raise Unverified("signature-malformed", "x-hook0-signature names a part twice")
    timestamp, covered = parts.get(b"t", b""), parts.get(b"h", b"")
    signed_ms = _milliseconds(timestamp, "t= in x-hook0-signature")
    # Where both versions are given the stronger decides: accepting v0 beside a wrong v1 would let
    # a forger choose.
    if b"v1" in parts:
        values = b".".join(_covered(headers, name) for name in covered.split())
        _match(keys, b".".join((timestamp, covered, values, body)), [parts[b"v1"].lower()])
    elif b"v0" in parts:
        _match(keys, b".".join((timestamp, body)), [parts[b"v0"].lower()])
    else:
        raise Unverified("signature-malformed", "expected v1= or v0= in x-hook0-signature")
    return signed_ms


def _none(_keys: tuple[bytes, ...], _headers: Headers, _body: bytes) -> None:
    return None


_SCHEMES: dict[str, Callable[[tuple[bytes, ...], Headers, bytes], int | None]] = {
    "standard-webhooks": _standard_webhooks,
    "hmac-sha256": _hmac_sha256,
    "coinbase-commerce": _coinbase_commerce,
    "coinbase-cdp": _coinbase_cdp,
    "none": _none,
}
SCHEMES = tuple(_SCHEMES)


def _match(
    keys: tuple[bytes, ...],
    content: bytes,
    signatures: list[bytes],
    written: Callable[[bytes], bytes] = binascii.hexlify,
) -> None:
    for key in keys:
        expected = written(hmac.digest(key, content, "sha256"))
        # compare_digest takes the same time wherever two signatures differ.
        if any(hmac.compare_digest(expected, signature) for signature in signatures):
            return
    raise Unverified(
        "signature-mismatch",
        f"none of {len(signatures)} signatures matches any of {len(keys)} live secrets",
    )


def _header(headers: Headers, name: str) -> bytes:
    value = headers.get(name, b"").strip()
    if not value:
        raise Unverified("signature-missing", f"expected the header {name}")
    return value


def _covered(headers: Headers, name: bytes) -> bytes:
    lower = name.decode("ascii", "replace").lower()
    if lower not in headers:
        raise Unverified(
            "signature-header-missing",
            f"the signature covers the header {lower[:60]!r}, which did not arrive; add it to the "
            "setting ingress.forwarded_headers if the venue sends it",
        )
    return headers[lower]


def _milliseconds(timestamp: bytes, name: str) -> int:
    """Return the milliseconds of whole seconds, or of milliseconds told by their 13 digits."""
    if not timestamp.isdigit() or len(timestamp) > 13:
        raise Unverified(
            "signature-malformed", f"{name} is {timestamp[:40]!r}, expected whole seconds"
        )
    return int(timestamp) * (1 if len(timestamp) == 13 else 1000)
