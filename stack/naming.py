"""Names of everything the pipeline owns, and the suffix that keeps two environments apart.

A name is `{name}-{suffix}`. The suffix is read in one place (`suffix_from_environment`), so that
the stack, the policies, the local run and the client can never disagree about it.
"""

from __future__ import annotations

import os
import re

from stack import settings

SUFFIX_VARIABLE = "environmentSuffix"
"""Name of the Terraform variable and of the cdktf context key that carry the suffix."""

SUFFIX_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$"
"""What a suffix looks like, in the syntax that Python's `re` and Terraform's RE2 share."""

_SOURCES = (f"TF_VAR_{SUFFIX_VARIABLE}", "ENVIRONMENT_SUFFIX")


class SuffixError(ValueError):
    """The environment suffix cannot be part of AWS names; the message says what can."""


def validate_suffix(suffix: str, source: str = "environment suffix") -> str:
    """Give back `suffix` unchanged when it can end every AWS name, else raise `SuffixError`.

    Lower-case letters, digits and inner hyphens, 1 to 16 characters: what API Gateway, DynamoDB,
    IAM, KMS aliases, Lambda, SNS and SQS all accept, and short enough for their length limits.
    """
    # fullmatch: `$` alone would let a trailing newline through. A context value can be any JSON.
    if not isinstance(suffix, str) or re.fullmatch(SUFFIX_PATTERN, suffix) is None:
        raise SuffixError(
            f"{source} is {suffix!r}; expected 1 to 16 lower-case letters, digits or inner "
            f"hyphens, for example 'dev' or 'pr-42'. Set {_SOURCES[0]} or {_SOURCES[1]} to such "
            "a value."
        )
    return suffix


def suffix_from_environment(context: str | None = None) -> str:
    """Tell the suffix of this run.

    The first that is given counts: the environment variable TF_VAR_environmentSuffix, then
    ENVIRONMENT_SUFFIX, then `context` (cdktf's context value `environmentSuffix`), then the
    settings' default. An empty environment variable counts as not given. Raises `SuffixError`.
    """
    for variable in _SOURCES:
        if value := os.environ.get(variable):
            return validate_suffix(value, variable)
    if context is not None:
        return validate_suffix(context, f"cdktf context {SUFFIX_VARIABLE}")
    return validate_suffix(settings.load().project.default_suffix, "project.default_suffix")


def named(name: str, suffix: str) -> str:
    """Join a name and the suffix, which may also be a Terraform reference."""
    return f"{name}-{suffix}"


def stack_name(suffix: str) -> str:
    """Tell the name of the Terraform stack; it carries the suffix, so that states never mix."""
    return named(settings.load().project.name, suffix)
