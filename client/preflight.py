"""`python -m client preflight`: what a deployment to AWS needs, looked at before anything changes.

Lambda keeps part of an account's concurrency unreserved, and a new account has so little that it
refuses any reservation; Terraform would find that out half-way through a deployment. This asks
first, and says what is short and how to get it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.domain.errors import MisconfiguredEnvironment
from lambdas.domain.keys import VENUES
from lambdas.domain.signatures import verifiers
from stack import settings as pipeline_settings
from stack.naming import named, stack_name, suffix_from_environment, validate_suffix

OLDEST_TERRAFORM = (1, 5)
OLDEST_WITH_LOCK_FILE = (1, 10)
"""The first Terraform that locks a state in S3 by a file beside it."""

SECRETS_VARIABLE = "TF_VAR_webhook_secrets"

UNRESERVED_MINIMUM = 100
"""Concurrency that must stay unreserved; of an account that has less, all of it.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
"""

QUOTA_PAGE = "https://console.aws.amazon.com/servicequotas/home/services/lambda/quotas/L-B99A9384"

Clients = Callable[[str], Any]


class Short(Exception):
    """Something a deployment needs is missing: what, and how to get it."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the command and its arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "preflight", help="look whether a deployment to AWS can succeed, changing nothing"
    )
    parser.add_argument("--suffix", help="the environment to deploy (default: the environment's)")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print one line a check; 0 when nothing is short, 1 otherwise."""
    settings = pipeline_settings.load()
    given: str | None = arguments.suffix
    suffix = validate_suffix(given, "--suffix") if given else suffix_from_environment()
    region = settings.project.region
    session = boto3.Session(region_name=region)
    short = 0
    for title, check in checks(settings, suffix, session.client, os.environ):
        try:
            print(f"ok     {title}: {check()}")
        except Short as problem:
            short += 1
            print(f"SHORT  {title}: {problem}", file=sys.stderr)
    if short:
        print(
            f"{short} of what a deployment of {suffix!r} to {region} needs is missing; "
            "nothing was changed.",
            file=sys.stderr,
        )
    return 1 if short else 0


def checks(
    settings: pipeline_settings.Settings,
    suffix: str,
    client: Clients,
    environment: Mapping[str, str],
) -> Iterator[tuple[str, Callable[[], str]]]:
    """Every check with its title; a check returns what it found or raises `Short`."""
    remote = bool(settings.state.s3_bucket)
    yield (
        "Terraform",
        lambda: terraform_version(OLDEST_WITH_LOCK_FILE if remote else OLDEST_TERRAFORM),
    )
    yield "Terraform's state", lambda: state(settings, suffix, environment)
    yield "webhook secrets", lambda: secrets(environment)
    yield "AWS identity", lambda: identity(client, environment)
    yield "Lambda concurrency", lambda: concurrency(settings, suffix, client)


def terraform_version(needed: tuple[int, int] = OLDEST_TERRAFORM) -> str:
    """Look for a Terraform that is new enough."""
    path = shutil.which("terraform")
    if path is None:
        raise Short(
            "not on the PATH; https://developer.hashicorp.com/terraform/install has it for every "
            "system."
        )
    answer = subprocess.run([path, "version", "-json"], capture_output=True, text=True, check=False)
    try:
        found = str(json.loads(answer.stdout)["terraform_version"])
        version = tuple(int(part) for part in found.split("-")[0].split(".")[:2])
    except (ValueError, KeyError) as error:
        raise Short(f"{path} does not tell its version: {answer.stderr.strip()}") from error
    if version < needed:
        oldest = ".".join(map(str, needed))
        raise Short(f"{found} is too old; {oldest} or newer is needed.")
    return found


def state(settings: pipeline_settings.Settings, suffix: str, environment: Mapping[str, str]) -> str:
    """Tell where the state is kept; a file would be gone with the machine of a CI job.

    Without its state nobody can change or destroy what stands: the next job would make everything
    anew and find its names taken. CI systems say who they are in `CI`.
    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """
    kept = settings.state
    if kept.s3_bucket:
        return f"s3://{kept.s3_bucket}/{kept.s3_key_prefix}/{suffix}.tfstate"
    at_aws = not environment.get("AWS_ENDPOINT_URL")
    if at_aws and environment.get("CI", "").lower() not in ("", "0", "false"):
        raise Short(
            "a file on this machine, which ends with the CI job, and with it the way to change or "
            "destroy what was deployed. Name a bucket as s3_bucket under [state] in "
            "stack/settings.toml."
        )
    return f"terraform.{stack_name(suffix)}.tfstate, a file on this machine"


def secrets(environment: Mapping[str, str]) -> str:
    """Look for the venues' webhook secrets; names the venues, never a secret."""
    text = environment.get(SECRETS_VARIABLE)
    if not text:
        raise Short(
            f"{SECRETS_VARIABLE} is not set; expected JSON such as "
            '{"binance": {"scheme": "standard-webhooks", "secrets": ["whsec_…"]}}.'
        )
    try:
        # The function's own reading: one wrong entry would stop it for every venue.
        venues = verifiers(text, VENUES)
    except MisconfiguredEnvironment as error:
        raise Short(f"{SECRETS_VARIABLE}: {error}.") from error
    if len(text) > pipeline_settings.SECRETS_LIMIT:
        raise Short(
            f"{SECRETS_VARIABLE} has {len(text)} characters, and Lambda has room for "
            f"{pipeline_settings.SECRETS_LIMIT}; remove secrets that are no longer used."
        )
    if not venues:
        raise Short(f"{SECRETS_VARIABLE} names no venue; one without an entry is refused.")
    return ", ".join(sorted(venues))


def identity(client: Clients, environment: Mapping[str, str]) -> str:
    """Tell in whose name, and against which endpoint, Terraform would act."""
    try:
        caller = client("sts").get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        raise Short(
            f"no usable AWS credentials ({error}). Sign in (aws sso login, AWS_PROFILE, or access "
            "keys in the environment) and try again."
        ) from error
    endpoint = environment.get("AWS_ENDPOINT_URL")
    target = f", at {endpoint} and not at AWS" if endpoint else ""
    return f"{caller['Arn']} in account {caller['Account']}{target}"


def concurrency(settings: pipeline_settings.Settings, suffix: str, client: Clients) -> str:
    """Look whether the account's concurrency quota leaves room for the reservations."""
    functions = client("lambda")
    wanted = {
        named(function.name, suffix): function.reserved_concurrency
        for function in settings.functions.values()
        if function.reserved_concurrency > 0
    }
    try:
        limit = functions.get_account_settings()["AccountLimit"]
        held = sum(reserved(functions, name) for name in wanted)
    except (ClientError, BotoCoreError) as error:
        raise Short(
            f"could not be asked ({error}); lambda:GetAccountSettings and "
            "lambda:GetFunctionConcurrency are needed."
        ) from error
    total = int(limit["ConcurrentExecutions"])
    # What this very deployment already holds is there for it to keep.
    free = int(limit["UnreservedConcurrentExecutions"]) + held
    needed = sum(wanted.values())
    kept = min(UNRESERVED_MINIMUM, total)
    if free - needed < kept:
        raise Short(
            f"{needed} executions are to be reserved and {kept} must stay unreserved, but only "
            f"{free} of the account's {total} are free. Ask for a higher quota ({QUOTA_PAGE}; "
            f"at least {total - free + needed + UNRESERVED_MINIMUM}), or lower "
            "reserved_concurrency in stack/settings.toml."
        )
    return f"{needed} to reserve, {free} of {total} free"


def reserved(functions: Any, name: str) -> int:
    """Tell what a function holds reserved now; 0 when there is no such function yet."""
    try:
        answer = functions.get_function_concurrency(FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return 0
        raise
    return int(answer.get("ReservedConcurrentExecutions", 0))
