"""What the pipeline is required to be, as fixed values.

The policies judge against these and never against ``stack/settings.toml``: a setting that weakens
the stack has to fail the gate, not to move it.
"""

from __future__ import annotations

from policies.model.expressions import Reference, Text, Value

PROJECT = "crypto-prices"
REGION = "us-east-1"
SUFFIX = Reference("var.environmentSuffix")
ARCHITECTURE = "arm64"
LOG_RETENTION_DAYS = 3
DEAD_LETTER_SECONDS = 4 * 24 * 60 * 60
KEY_WINDOW_DAYS = 7
PROVIDER_VERSION = "5.100.0"
PROVIDER_SOURCES = ("aws", "hashicorp/aws", "registry.terraform.io/hashicorp/aws")

PROCESSOR = "webhook-processor"
ENRICHER = "price-enricher"
NOTIFIER = "error-notifier"
FUNCTIONS = (PROCESSOR, ENRICHER, NOTIFIER)
# Memory in MB and time-out in seconds where the requirement states them.
MEMORY = {PROCESSOR: 1024, ENRICHER: 512}
TIMEOUT = {PROCESSOR: 60}
TABLE = "crypto-prices"
SUCCESS_TOPIC = "price-updates-success"
ERROR_TOPIC = "processing-errors"

# Deprecation dates: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
# (read November 2026; 3.9 and 3.10 are past theirs, 3.11 runs on the retired Amazon Linux 2).
RUNTIMES = ("python3.12", "python3.13", "python3.14")


def suffixed(name: str) -> Value:
    """The value that ``"{name}-${var.environmentSuffix}"`` reads as."""
    return Text((f"{name}-", SUFFIX))


def dead_letters(function: str) -> str:
    """The name, without suffix, of a function's dead-letter queue."""
    return f"{function}-dlq"


def log_group(function: str) -> str:
    """The name, without suffix, of a function's log group."""
    return f"/aws/lambda/{function}"


def base_name(value: Value) -> str | None:
    """The name in front of the suffix, or None where the value is not ``name-suffix``."""
    if isinstance(value, Text) and len(value.parts) == 2 and value.parts[1] == SUFFIX:
        text = value.parts[0]
        if isinstance(text, str) and len(text) > 1 and text.endswith("-"):
            return text[:-1]
    return None
