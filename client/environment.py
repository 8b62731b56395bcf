"""One deployed environment as a client sees it: its names, and where its services are.

Names follow from the suffix, so nothing has to be looked up. An environment on AWS is reached with
the caller's own credentials (profile, SSO or keys, as boto3 finds them); one of the local run with
`--local`, at the embedded AWS that runs on this machine.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from local import emulator as embedded
from local import process
from local.places import Places
from stack import settings as pipeline_settings
from stack.naming import named, suffix_from_environment, validate_suffix

DEAD_LETTERS = "dlq"
"""What a dead-letter queue's name adds to its function's."""


class Unreachable(Exception):
    """The environment cannot be asked; the message says why and what to do next."""


@dataclass(frozen=True)
class Environment:
    """An environment by its suffix; `endpoint` is the embedded AWS's address, None on AWS."""

    suffix: str
    endpoint: str | None = None

    @property
    def settings(self) -> pipeline_settings.Settings:
        """The settings of this clone; on this machine with what its run sets otherwise."""
        overlay = None if self.endpoint is None else Places.default().of(self.suffix).overlay
        return pipeline_settings.load(overlay=overlay if overlay and overlay.exists() else None)

    @property
    def table(self) -> str:
        """Name of the table of prices."""
        return named(self.settings.table.name, self.suffix)

    def function(self, key: str) -> str:
        """Name of a function, by its key in the settings: `webhook_processor`."""
        return named(self.settings.functions[key].name, self.suffix)

    def dead_letters(self, key: str) -> str:
        """Name of a function's dead-letter queue."""
        return named(f"{self.settings.functions[key].name}-{DEAD_LETTERS}", self.suffix)

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, one for each environment and service."""
        return _client(service, self.settings.project.region, self.endpoint)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses an environment to a command's parser."""
    parser.add_argument("--suffix", help="the environment (default: ENVIRONMENT_SUFFIX, or dev)")
    parser.add_argument("--local", action="store_true", help="the one that runs on this machine")


def chosen(args: argparse.Namespace) -> Environment:
    """Return the environment that a command's arguments choose. Raises `Unreachable`."""
    suffix = validate_suffix(args.suffix, "--suffix") if args.suffix else suffix_from_environment()
    if not args.local:
        return Environment(suffix)
    running = process.running(Places.default())
    if running is None:
        raise Unreachable(
            "nothing runs on this machine; `make up` starts it. Without --local the environment "
            f"{suffix} on AWS is asked."
        )
    return Environment(suffix, running.endpoint)


_LONGEST_ANSWER_SECONDS = 150
"""More than a function that is waited for may take: asking again would call it again."""


@cache
def _client(service: str, region: str, endpoint: str | None) -> Any:
    config = Config(
        retries={"mode": "standard", "max_attempts": 5}, read_timeout=_LONGEST_ANSWER_SECONDS
    )
    if endpoint is None:
        return boto3.client(service, region_name=region, config=config)
    session = boto3.session.Session(embedded.ROOT_ACCESS_KEY_ID, embedded.ROOT_SECRET_ACCESS_KEY)
    here = Config(proxies={}).merge(config)
    return session.client(service, region_name=region, endpoint_url=endpoint, config=here)
