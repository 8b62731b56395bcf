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
from dataclasses import dataclass
from pathlib import Path

from local.places import write_private

STANDARD = "standard-webhooks"
"""https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

HMAC = "hmac-sha256"
"""`x-signature: sha256=<hex>` over `<x-timestamp>.<body>`, as many exchanges' own schemes are."""

_HMAC_VENUES = frozenset({"kraken", "okx", "gate", "htx"})
"""Who signs with the plain scheme in the local run; what it is for is to exercise both."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What one venue signs with."""

    scheme: str
    text: str

    def headers(self, body: bytes, message_id: str, seconds: int) -> dict[str, str]:
        """The headers that prove `body`, sent at `seconds` after the epoch."""
        if self.scheme == HMAC:
            signed = str(seconds).encode() + b"." + body
            return {
                "x-timestamp": str(seconds),
                "x-signature": "sha256=" + _mac(self.text.encode(), signed).hex(),
            }
        signed = f"{message_id}.{seconds}.".encode() + body
        key = base64.b64decode(self.text.removeprefix("whsec_"))
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": "v1," + base64.b64encode(_mac(key, signed)).decode(),
        }


def fresh(venue: str) -> Secret:
    """A new random secret of the scheme that the local run has `venue` use."""
    if venue in _HMAC_VENUES:
        return Secret(HMAC, secrets.token_hex(32))
    return Secret(STANDARD, "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())


def variable(known: Mapping[str, Secret]) -> str:
    """The Terraform variable `webhook_secrets`: JSON, one entry a venue."""
    return json.dumps(
        {venue: {"scheme": each.scheme, "secrets": [each.text]} for venue, each in known.items()},
        sort_keys=True,
        separators=(",", ":"),
    )


def kept(path: Path, venues: Iterable[str]) -> dict[str, Secret]:
    """The secrets of this run: those in `path`, and fresh ones for venues without, kept there."""
    known: dict[str, Secret] = {}
    if path.exists():
        for venue, entry in json.loads(path.read_text()).items():
            known[venue] = Secret(entry["scheme"], entry["secrets"][0])
    if missing := [venue for venue in venues if venue not in known]:
        known |= {venue: fresh(venue) for venue in missing}
        write_private(path, variable(known))
    return known


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()
