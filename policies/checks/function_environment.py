"""Functions' environments are encrypted under the pipeline's own key."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.expressions import Reference, Unknown
from policies.model.stack import Resource, Stack, UnresolvedError
from policies.model.wiring import pipeline_key
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, shown


class FunctionEnvironment(Policy):
    """The processor's environment holds the webhook secrets; no other key will do."""

    id = "CKV_PRICE_7"
    name = "Each function has an environment, encrypted under the stack's own key"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"
    fix = "Set kms_key_arn to the ARN of the stack's aws_kms_key, and keep environment.variables."
    applies_to = ("aws_lambda_function",)
    guards = ("kms_key_arn",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the variables, and a reference to the key itself."""
        environment, problems = only_block(resource.body, "environment")
        yield from problems
        if environment is not None:
            variables = environment.value("variables")
            if isinstance(variables, Reference | Unknown):
                raise UnresolvedError(f"environment.variables is {variables}")
            if not isinstance(variables, dict) or not variables:
                yield Problem("environment.variables is empty", "nothing", "at least one")
        key = pipeline_key(stack)
        value = resource.body.value("kms_key_arn")
        if key is None or stack.target(value) is not key:
            yield Problem(
                f"kms_key_arn is {shown(value)}, not the ARN of the stack's key",
                shown(value),
                f"${{{key.address}.arn}}" if key else "a key in the stack",
            )


offer(FunctionEnvironment, __name__)
