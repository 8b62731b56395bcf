"""The clients of the AWS services, one low-level client a service and container.

They are made by botocore, which boto3 is a layer over: the low-level clients are the same objects,
and the layer brings only what is not used here (resources, s3transfer, a second session).

The endpoint is left to botocore, which honours `AWS_ENDPOINT_URL`; so does everything else that
Lambda puts into the environment (region, credentials).
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CONNECT_SECONDS = 2
READ_SECONDS = 5
ATTEMPTS = 2

_CONFIG = Config(
    # One repetition for a hiccup of the network; anything longer is the caller's to pace, because
    # only the caller knows how much of the invocation is left.
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    # An idle container's connections die unnoticed; keep-alive finds out before a request does.
    tcp_keepalive=True,
    # Checking the arguments against the service's model takes as long as everything else botocore
    # does with a batch of 25 statements; the tests send every call we make to an emulated service.
    parameter_validation=False,
)

# Longest time that one call can take: every attempt times out at its limits, and botocore waits up
# to a second between two (its exponential backoff's first step).
LONGEST_CALL_SECONDS = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + (ATTEMPTS - 1)

# What a client raises when a call did not succeed: an answer that says so, or none at all.
CALL_ERRORS: tuple[type[Exception], ...] = (ClientError, BotoCoreError)

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_PASSING_CODES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
PASSING_STATEMENT_CODES = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)
"""What one statement of a batch answers when it may succeed in a moment."""

_REFUSALS = frozenset({"SerializationException", "ValidationException"})


@cache
def client(service: str) -> Any:
    """Return the low-level client of `service` (`"dynamodb"`, `"sqs"`, `"sns"`).

    The same object for the life of the container, so connections are kept between invocations.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return _session().create_client(service, region_name=region, config=_CONFIG)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def is_passing(error: Exception) -> bool:
    """Tell whether a failed call may succeed when it is repeated in a moment.

    True for throttling, a fault of the service and a lost connection. False for everything that
    only a change of the request or of the deployment mends.
    """
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error_code(error) in _PASSING_CODES
    return isinstance(error, BotoCoreError)


def is_refusal(error: Exception) -> bool:
    """Tell whether a failed call was refused for what it asked for: its values are at fault.

    A missing right or table is not a refusal in this sense; the same request is right once the
    deployment is.
    """
    return error_code(error) in _REFUSALS


def error_code(error: Exception) -> str:
    """Return the service's code of a failed call, or the exception's name when there is none."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code") or type(error).__name__)
    return type(error).__name__
