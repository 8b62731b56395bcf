"""`python -m client exchanges`: who may post, and what each signs with.

It works on the webhook secrets, the JSON of TF_VAR_webhook_secrets, kept in a file: `--secrets
FILE`, or with `--local` the one of the local run. Changing one exchange leaves the others as they
are, letter for letter. Nothing is written without `--apply`, and then by replacing the file at
once, readable by its owner only. Secrets are shown by `show --reveal` alone. What is changed takes
effect with the next deployment.

A secret is rotated in two deployments: `rotate` adds a second secret, and messages signed with
either are accepted; `rotate --finish` drops the first, when the exchange signs with the second.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from client import environment
from client.environment import Unreachable
from client.preflight import SECRETS_VARIABLE
from lambdas.domain.errors import MisconfiguredEnvironment
from lambdas.domain.keys import VENUES
from lambdas.domain.signatures import SCHEMES, verifiers
from local import signing
from local.places import Places, write_private
from stack import settings as pipeline_settings
from stack.naming import SuffixError, suffix_from_environment, validate_suffix

Document = dict[str, dict[str, Any]]

ISSUED_BY_THE_VENUE = (signing.COMMERCE, signing.CDP)
"""Schemes whose secret the venue makes: `--given` brings it in."""


class Unchangeable(Exception):
    """What was asked for cannot be done to these secrets; the message says what can."""


def add_parser(subparsers: Any) -> None:
    """Declare the command, what it can do and their arguments."""
    parser = subparsers.add_parser("exchanges", help="add, remove and rotate webhook secrets")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|add|remove|rotate")
    _add_verb(verbs, "list", "name the exchanges, their schemes and keys")
    show = _add_verb(verbs, "show", "tell how an exchange has to sign")
    show.add_argument("--reveal", action="store_true", help="print its newest secret, too")
    add = _add_verb(verbs, "add", "let an exchange post, with a fresh secret")
    add.add_argument(
        "--scheme", choices=SCHEMES, default=signing.STANDARD, help="default: %(default)s"
    )
    remove = _add_verb(verbs, "remove", "refuse an exchange's messages from now on")
    rotate = _add_verb(verbs, "rotate", "add a second secret, or drop the first")
    rotate.add_argument("--finish", action="store_true", help="the exchange signs with the new one")
    for verb in (add, rotate):
        verb.add_argument(
            "--given",
            type=Path,
            metavar="FILE",
            help="a secret that the exchange issued, instead of a fresh one (/dev/stdin works)",
        )
    for verb in (add, remove, rotate):
        verb.add_argument("--apply", action="store_true", help="do it; without, it is only told")


def _add_verb(verbs: Any, name: str, text: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=text)
    if name != "list":
        verb.add_argument("exchange", metavar="EXCHANGE", choices=sorted(VENUES))
    environment.add_arguments(verb)
    verb.add_argument("--secrets", type=Path, metavar="FILE", help="the webhook secrets")
    return verb


def run(args: argparse.Namespace) -> int:
    """0 when it was done or told, 2 when it cannot be."""
    try:
        path = _file(args)
        before = read(path, os.environ.get(SECRETS_VARIABLE, ""), args.verb)
        if args.verb == "list":
            return _list(before)
        if args.verb == "show":
            return _show(args.exchange, _entry(before, args.exchange), args.reveal)
        after, what = changed(args, before)
        if path is None:
            raise Unchangeable(
                f"a command cannot change {SECRETS_VARIABLE}: keep the secrets in a file "
                f"(printenv {SECRETS_VARIABLE} > secrets.json) and give --secrets FILE"
            )
        text = json.dumps(after, separators=(",", ":"))
        verifiers(text, VENUES)
        if len(text) > pipeline_settings.SECRETS_LIMIT:
            raise Unchangeable(
                f"the secrets would have {len(text)} characters, and Lambda has room for "
                f"{pipeline_settings.SECRETS_LIMIT}: finish rotations, or remove exchanges that no "
                "longer post"
            )
        if args.apply:
            # A link stays one: the file that it names is replaced.
            write_private(path.resolve(), text + "\n")
    except (Unreachable, Unchangeable, SuffixError, MisconfiguredEnvironment, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if not args.apply:
        print(f"{what}. Nothing was changed yet; --apply does it.")
        return 0
    print(f"{what}; {path} was written.\n{_next(args, path)}")
    return 0


def changed(args: argparse.Namespace, before: Mapping[str, Mapping[str, Any]]) -> tuple[Any, str]:
    """Return the secrets after a verb, and what it does in words; raises `Unchangeable`."""
    exchange = args.exchange
    others = {venue: entry for venue, entry in before.items() if venue != exchange}
    if args.verb == "add":
        if exchange in before:
            raise Unchangeable(f"{exchange} is there already; `rotate` changes its secret")
        secret = _secret(args.scheme, args.given)
        after = {**before, exchange: signing.entry(secret)}
        return after, f"{exchange} is added, with scheme {args.scheme}"
    entry = _entry(before, exchange)
    if args.verb == "remove":
        return others, f"{exchange} is removed: its messages become dead letters (no-secret)"
    scheme = str(entry.get("scheme", signing.STANDARD))
    secrets = list(entry.get("secrets", ()))
    if scheme == signing.NONE:
        raise Unchangeable(f"{exchange} signs nothing (scheme none): there is nothing to rotate")
    if args.finish:
        if len(secrets) < 2:
            raise Unchangeable(f"{exchange} has one secret: `rotate` without --finish adds another")
        secrets, what = secrets[-1:], f"{exchange} keeps its newest secret alone"
    else:
        if len(secrets) > 1:
            raise Unchangeable(
                f"{exchange} is being rotated: it has {len(secrets)} secrets; --finish keeps the "
                "newest"
            )
        secrets.append(_secret(scheme, args.given).text)
        what = f"{exchange} gets a second secret beside the first"
    rotated = {exchange: {**entry, "secrets": secrets}}
    # In the order of before: the file's differences are then one exchange's.
    return {venue: rotated.get(venue, kept) for venue, kept in before.items()}, what


def read(path: Path | None, variable: str, verb: str) -> Document:
    """Return the webhook secrets of a file, or of the variable's text without one.

    The function's own reading checks them. Raises `MisconfiguredEnvironment`, `Unchangeable`.
    """
    if path is not None and not path.exists() and verb != "add":
        raise Unchangeable(f"there is no file {path}; `add` makes it with its first exchange")
    try:
        text = variable if path is None else path.read_text("utf-8") if path.exists() else "{}"
    except UnicodeDecodeError as error:
        raise Unchangeable(f"{path} is no text: {error.reason}") from None
    if not text:
        raise Unchangeable(f"give --secrets FILE or --local, or set {SECRETS_VARIABLE}")
    verifiers(text, VENUES)
    document: Document = json.loads(text)
    return document


def _file(args: argparse.Namespace) -> Path | None:
    if args.secrets is not None or not args.local:
        path: Path | None = args.secrets
        return path
    suffix = validate_suffix(args.suffix, "--suffix") if args.suffix else suffix_from_environment()
    path = Places.default().of(suffix).secrets
    if not path.exists():
        raise Unreachable(f"there is no environment {suffix} on this machine; `make up` makes it")
    return path


def _entry(document: Mapping[str, Mapping[str, Any]], exchange: str) -> Mapping[str, Any]:
    if exchange not in document:
        there = ", ".join(sorted(document)) or "none"
        raise Unchangeable(f"{exchange} is not among the exchanges ({there}); `add` makes it one")
    return document[exchange]


def _secret(scheme: str, given: Path | None) -> signing.Secret:
    if given is not None:
        return signing.Secret(scheme, given.read_text("utf-8").strip())
    if scheme in ISSUED_BY_THE_VENUE:
        raise Unchangeable(f"the secret of {scheme} is issued by the venue: bring it by --given")
    return signing.made(scheme)


def _list(document: Document) -> int:
    table = Table(box=None, header_style="bold")
    for title in ("exchange", "scheme", "secrets", "API keys"):
        table.add_column(title)
    ingress = pipeline_settings.load().ingress
    for exchange, entry in sorted(document.items()):
        count = len(entry.get("secrets", ()))
        secrets = f"{count}, being rotated" if count > 1 else str(count)
        own = [key for key in ingress.own_api_keys if key.removesuffix(NEXT) == dashed(exchange)]
        keys = [f"{ingress.api_key}-{key}" for key in own] or [ingress.api_key]
        table.add_row(exchange, entry.get("scheme", signing.STANDARD), secrets, ", ".join(keys))
    Console(width=None if sys.stdout.isatty() else 140, markup=False, highlight=False).print(table)
    return 0


_HEADERS = {
    signing.STANDARD: "webhook-id, webhook-timestamp, webhook-signature: v1,<base64 of HMAC-SHA256 "
    "over id.timestamp.body, with the secret's base64 after whsec_ as key>",
    signing.HMAC: "x-timestamp: <seconds>, x-signature: sha256=<hex of HMAC-SHA256 over "
    "timestamp.body>",
    signing.COMMERCE: "x-cc-webhook-signature: <hex of HMAC-SHA256 over the body>",
    signing.CDP: "x-hook0-signature: t=<seconds>,h=<names of headers>,v1=<hex of HMAC-SHA256 over "
    "t.h.values.body>",
    signing.NONE: "nothing is signed: the API key alone protects it",
}


def _show(exchange: str, entry: Mapping[str, Any], reveal: bool) -> int:
    scheme = entry.get("scheme", signing.STANDARD)
    secrets = entry.get("secrets", ())
    print(f"exchange  {exchange}")
    print(f"posts to  {{webhook_url}}/{exchange}, with x-api-key, {signing.CONTENT_TYPE}")
    print(f"scheme    {scheme}")
    print(f"headers   {_HEADERS[scheme]}")
    print(f"secrets   {len(secrets)}{', being rotated' if len(secrets) > 1 else ''}")
    if reveal and secrets:
        print(f"newest    {secrets[-1]}")
    return 0


def _next(args: argparse.Namespace, path: Path) -> str:
    """What has to follow: the deployment, and what the exchange has to be told."""
    here = args.local and args.secrets is None
    suffix = f" --suffix {args.suffix}" if args.suffix else ""
    if here:
        where, deploy = f"--local{suffix}", f"python -m local up{suffix}"
    else:
        where = f"--secrets {path}"
        deploy = f'export {SECRETS_VARIABLE}="$(cat {path})"; make deploy SUFFIX=…'
    command = f"python -m client exchanges {{}} {args.exchange} {where}"
    steps = [deploy]
    if args.verb == "add":
        steps.append(f"{command.format('show')} --reveal   # what {args.exchange} signs with")
    elif args.verb == "rotate" and not args.finish:
        steps.append(f"{command.format('show')} --reveal   # what {args.exchange} signs with now")
        steps.append(f"{command.format('rotate')} --finish --apply   # when it does")
    return "\n".join(["next:", *(f"  {step}" for step in steps)])


NEXT = "-next"
"""Ends the name of the API key that an exchange's own one is being rotated to."""


def dashed(exchange: str) -> str:
    """Return an exchange's name as names of resources are written."""
    return exchange.replace("_", "-")
