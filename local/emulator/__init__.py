"""The embedded AWS: MiniStack in a process of its own, its differences from AWS put right.

Start it with `python -m local.emulator --port P --state DIR [--time-scale X]`, by the interpreter
of the environment that has MiniStack; that interpreter also runs the Lambda functions. This module
imports nothing, so that tools of the other environment can read the constants below.

Every request is authorized (`AUTH=true`). The root credentials below may do everything, as an
account's root user does: Terraform and people use them. Functions get credentials of a session of
their own role, so the role's policies decide what they may do.
"""

MINISTACK_VERSION = "1.5.33"
"""The only MiniStack release whose internals the wraps in this package were written against."""

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"

ROOT_ACCESS_KEY_ID = ACCOUNT_ID
"""MiniStack reads a 12-digit access key as the root user of the account of that number."""

ROOT_SECRET_ACCESS_KEY = "local-root"

HEALTH_PATH = "/_local/health"
"""Answers 200 as soon as requests are served; the body names the versions and the time scale."""


def root_environment(endpoint: str) -> dict[str, str]:
    """Environment variables that point AWS tools (Terraform, boto3) at the embedded AWS as root.

    `endpoint` is its address, such as `http://127.0.0.1:4566`.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
