"""The webhook of an environment as those who send to it need it: address, API key, secrets.

On AWS each is what was said (`--url`, `WEBHOOK_API_KEY`, `--secrets FILE` or
`TF_VAR_webhook_secrets`), and address and key are else asked of API Gateway, which needs
:data:`LOOKING_UP`: a host that only sends needs no right at all. With `--local` the embedded AWS is
asked, and the secrets are those that the local run keeps.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from client import environment
from client.environment import Environment, Unreachable
from client.preflight import SECRETS_VARIABLE as SECRETS_VARIABLE
from lambdas.domain.errors import MisconfiguredEnvironment
from lambdas.domain.keys import VENUES
from lambdas.domain.signatures import verifiers
from local import signing
from local.emulator import addresses
from local.places import Places
from local.replay import Webhook
from stack.naming import named

KEY_VARIABLE = "WEBHOOK_API_KEY"

LOOKING_UP = ("apigateway:GET",)
"""On `/restapis` for the address, on `/apikeys` for the key's value."""

_PATH = "webhooks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses a webhook to a command's parser."""
    environment.add_arguments(parser)
    parser.add_argument(
        "--url", type=_url, help="the output webhook_url (default: looked up in API Gateway)"
    )
    parser.add_argument(
        "--secrets",
        type=Path,
        metavar="FILE",
        help=f"the webhook secrets, as in {SECRETS_VARIABLE} (default: that variable)",
    )


def chosen(args: argparse.Namespace, where: Environment, venues: Collection[str]) -> Webhook:
    """Return the webhook of an environment, or the one that the arguments name, for those venues.

    Raises `Unreachable` when something is not found, `ClientError` when AWS refuses to tell.
    """
    known = _secrets(where, args.secrets)
    if missing := sorted(set(venues) - set(known)):
        raise Unreachable(
            f"the webhook secrets have no entry for {', '.join(missing)}, and a message without "
            f"one is refused; there are: {', '.join(sorted(known)) or 'none'}. Add the exchange, "
            "and deploy."
        )
    given = os.environ.get(KEY_VARIABLE) if where.endpoint is None else None
    key = given or _api_key(where)
    return Webhook(args.url or _address(where), key, {venue: known[venue] for venue in venues})


def not_told(error: Exception) -> str:
    """Say what to do when AWS did not tell address or key."""
    return (
        f"API Gateway did not tell the webhook: {error}\nGive --url and {KEY_VARIABLE}, or look at "
        "your credentials (aws sso login, AWS_PROFILE)."
    )


def _secrets(where: Environment, path: Path | None) -> dict[str, signing.Secret]:
    if path is None and where.endpoint is not None:
        path = Places.default().of(where.suffix).secrets
        if not path.exists():
            raise Unreachable(
                f"there is no environment {where.suffix} on this machine; `make up "
                f"SUFFIX={where.suffix}` makes it"
            )
    try:
        text = os.environ.get(SECRETS_VARIABLE) if path is None else path.read_text("utf-8")
        if not text:
            raise Unreachable(f"no webhook secrets: set {SECRETS_VARIABLE}, or give --secrets FILE")
        # The function's own reading: what it would not start with is not signed with either.
        verifiers(text, VENUES)
    except (OSError, UnicodeDecodeError, MisconfiguredEnvironment) as error:
        raise Unreachable(f"the webhook secrets of {path or SECRETS_VARIABLE}: {error}") from None
    return {venue: signing.live(entry) for venue, entry in json.loads(text).items()}


def _address(where: Environment) -> str:
    ingress = where.settings.ingress
    name = named(ingress.api_name, where.suffix)
    pages = where.client("apigateway").get_paginator("get_rest_apis").paginate()
    found = [api["id"] for page in pages for api in page["items"] if api["name"] == name]
    region = where.settings.project.region
    urls = [
        f"https://{api}.execute-api.{region}.amazonaws.com/{ingress.stage}/{_PATH}" for api in found
    ]
    url = _only(urls, f"API {name}", "--url")
    return url if where.endpoint is None else addresses.webhook_url(url, where.endpoint)


def _api_key(where: Environment) -> str:
    name = named(where.settings.ingress.api_key, where.suffix)
    pages = where.client("apigateway").get_paginator("get_api_keys")
    answers: Any = pages.paginate(nameQuery=name, includeValues=True)
    keys = [key["value"] for page in answers for key in page["items"] if key["name"] == name]
    return _only(keys, f"API key {name}", KEY_VARIABLE)


def _only(found: list[str], what: str, option: str) -> str:
    if len(found) == 1:
        return found[0]
    raise Unreachable(
        f"there {'is no' if not found else 'is more than one'} {what} here; deploy it, name "
        f"another --suffix (--local for the one on this machine), or give {option}"
    )


def _url(text: str) -> str:
    parts = urlsplit(text)
    plain = parts.scheme in ("http", "https") and parts.hostname and not parts.query
    if not plain:
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as https://…/v1/{_PATH}")
    return text.rstrip("/")
