"""The environment variables of everything that the local run starts, and of itself.

The local run must never reach a real account, nor be led astray by what somebody's shell is set
to: every AWS_* and TF_* variable is dropped, and what is left are the emulator's credentials, its
address, and no proxy on the way to it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_KEPT = frozenset({"TF_CLI_CONFIG_FILE"})


def cleaned(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those of AWS, Terraform and this project's own inputs."""
    foreign = ("AWS_", "TF_")
    ours = {"ENVIRONMENT_SUFFIX", "PIPELINE_SETTINGS"}
    return {
        name: value
        for name, value in variables.items()
        if name not in ours and (not name.startswith(foreign) or name in _KEPT)
    }


def isolated(endpoint: str, region: str, session: Mapping[str, str]) -> dict[str, str]:
    """The variables with which every AWS client and Terraform reach the emulator alone.

    `session` are those of the credentials.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    return {
        **cleaned(os.environ),
        "AWS_ENDPOINT_URL": endpoint,
        **session,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
