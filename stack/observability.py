"""Errors in the working functions' logs become notices."""

from __future__ import annotations

from stack.bindings import CloudwatchLogSubscriptionFilter, Construct, LambdaPermission
from stack.deployment import Deployment
from stack.functions import PipelineFunction


class ErrorSubscription(Construct):
    """Sends the error lines of a function's log group to the notifier.

    The notifier's own group must never be subscribed: its own errors would call it for ever.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions-recursion-prevention.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        deployment: Deployment,
        watched: PipelineFunction,
        notifier: PipelineFunction,
    ) -> None:
        super().__init__(scope, id_)
        name = deployment.named(f"{deployment.settings.functions[id_].name}-errors")
        permission = LambdaPermission(
            self,
            "permission",
            statement_id=name,
            action="lambda:InvokeFunction",
            function_name=notifier.function.function_name,
            principal="logs.amazonaws.com",
            source_arn=f"{watched.log_group.arn}:*",
            source_account=deployment.account,
        )
        CloudwatchLogSubscriptionFilter(
            self,
            "filter",
            name=name,
            log_group_name=watched.log_group.name,
            filter_pattern=deployment.settings.logs.error_pattern,
            destination_arn=notifier.arn,
            # CloudWatch sends a test message when the filter is put, and refuses it if that fails.
            depends_on=[permission],
        )
