"""The venues' side of webhook signatures: fresh secrets, and the headers that prove a body.

Written from the schemes' definitions and apart from what the functions verify with, so that a run
in which messages are accepted shows that two readings of each definition agree.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.places import write_private

CONTENT_TYPE = "application/json"

STANDARD = "standard-webhooks"
"""https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

HMAC = "hmac-sha256"
"""`x-signature: sha256=<hex>` over `<x-timestamp>.<body>`, as many exchanges' own schemes are."""

COMMERCE = "coinbase-commerce"
"""https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-security"""

CDP = "coinbase-cdp"
"""https://docs.cdp.coinbase.com/webhooks/verify-signatures"""

NONE = "none"
"""Nothing is signed: the API key alone protects the venue."""

_HMAC_VENUES = frozenset({"kraken", "okx", "gate", "htx"})
"""Who signs with the plain scheme in the local run; what it is for is to exercise both."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What one venue signs with."""

    scheme: str
    text: str = field(repr=False)

    def headers(self, body: bytes, message_id: str, seconds: int) -> dict[str, str]:
        """The headers that prove `body`, sent at `seconds` after the epoch."""
        time = str(seconds)
        if self.scheme == NONE:
            return {}
        if self.scheme == HMAC:
            mac = _mac(self.text.encode(), f"{time}.".encode() + body)
            return {"x-timestamp": time, "x-signature": f"sha256={mac.hex()}"}
        if self.scheme == COMMERCE:
            return {"x-cc-webhook-signature": _mac(self.text.encode(), body).hex()}
        if self.scheme == CDP:
            # Of the headers it covers the one that is always sent.
            mac = _mac(self.text.encode(), f"{time}.content-type.{CONTENT_TYPE}.".encode() + body)
            return {"x-hook0-signature": f"t={time},h=content-type,v1={mac.hex()}"}
        if self.scheme != STANDARD:
            raise ValueError(f"{self.scheme!r} is no scheme that messages are signed by")
        # Padding is optional where secrets are handed out.
        encoded = self.text.removeprefix("whsec_").rstrip("=")
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        mac = _mac(key, f"{message_id}.{time}.".encode() + body)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": time,
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        }


def live(entry: Mapping[str, Any]) -> Secret:
    """What a venue signs with now, of its entry in the webhook secrets.

    The first of its secrets: while one is rotated, that is the one which every deployment knows.
    """
    return Secret(entry.get("scheme", STANDARD), next(iter(entry.get("secrets", ())), ""))


def fresh(venue: str) -> Secret:
    """A new random secret of the scheme that the local run has `venue` use."""
    return made(HMAC if venue in _HMAC_VENUES else STANDARD)


def made(scheme: str) -> Secret:
    """A new random secret of a scheme, of 256 bits; none where nothing is signed."""
    if scheme == NONE:
        return Secret(NONE, "")
    if scheme == STANDARD:
        return Secret(STANDARD, "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
    return Secret(scheme, secrets.token_hex(32))


def entry(secret: Secret) -> dict[str, Any]:
    """A venue's entry in the webhook secrets."""
    return {"scheme": secret.scheme, "secrets": [secret.text] if secret.text else []}


def kept(path: Path, venues: Iterable[str]) -> dict[str, Secret]:
    """What each venue signs with in this run: what `path` says, and fresh secrets for the others.

    The file is the Terraform variable `webhook_secrets`; what it says of a venue stays as it is.
    """
    document = json.loads(path.read_text()) if path.exists() else {}
    if missing := [venue for venue in venues if venue not in document]:
        document |= {venue: entry(fresh(venue)) for venue in missing}
        write_private(path, json.dumps(document, sort_keys=True, separators=(",", ":")))
    return {venue: live(each) for venue, each in document.items()}


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()
