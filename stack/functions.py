"""A function with all that belongs to it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stack import statements
from stack.bindings import (
    CloudwatchLogGroup,
    Construct,
    IamRole,
    IamRolePolicy,
    LambdaFunction,
    LambdaFunctionEventInvokeConfig,
    LambdaFunctionEventInvokeConfigDestinationConfig,
    LambdaFunctionEventInvokeConfigDestinationConfigOnSuccess,
    SqsQueue,
)
from stack.deployment import Deployment
from stack.encryption import PUBLISHING, PipelineKey
from stack.packaging import Code
from stack.statements import Statement

# Everything that moves or shows messages, and what could open the queue to others. Two statements,
# because SQS refuses one of more than seven actions.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
_MESSAGE_ACTIONS = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:PurgeQueue",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
)
_QUEUE_ACTIONS = ("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SetQueueAttributes")


class DeadLetterQueue(Construct):
    """Where a function's failures wait to be sent again.

    Encrypted by SQS itself, so that what fails because the pipeline's key is disabled is not lost.
    Its policy stands in the queue, so that there is no moment without it.
    """

    def __init__(self, scope: Construct, id_: str, deployment: Deployment, name: str) -> None:
        super().__init__(scope, id_)
        full_name = deployment.named(name)
        arn = deployment.arn("sqs", full_name)
        self.queue = SqsQueue(
            self,
            "queue",
            name=full_name,
            message_retention_seconds=deployment.settings.dead_letters.retention_seconds,
            sqs_managed_sse_enabled=True,
            policy=statements.document(
                statements.deny_without_tls("RefuseMessagesWithoutTls", _MESSAGE_ACTIONS, arn),
                statements.deny_without_tls("RefuseQueueWithoutTls", _QUEUE_ACTIONS, arn),
            ),
            tags=deployment.tags,
        )

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return str(self.queue.arn)

    @property
    def url(self) -> str:
        """The queue's URL."""
        return str(self.queue.url)


class PipelineFunction(Construct):
    """One function: role, identity policy, log group, dead-letter queue, code and configuration.

    Order of creation: the log group before the function, lest Lambda makes one that never expires;
    the policy before the function, because Lambda checks at creation that the role may send to the
    dead-letter queue, and before the event-invoke configuration, because it checks the
    destination.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        deployment: Deployment,
        key: PipelineKey,
        code: Code,
        environment: Mapping[str, str],
        permissions: Sequence[Statement],
        publishes_to: str,
        success_topic_arn: str | None,
        dead_letter_variable: str | None = None,
    ) -> None:
        """Make the function whose settings stand under `id_`.

        `permissions` are the statements beyond those that every function needs; `publishes_to` is
        the topic its role may publish to; `success_topic_arn` is told of each asynchronous
        invocation that succeeds, if given. A function that dead-letters messages itself finds its
        queue's URL in the environment variable `dead_letter_variable`.
        """
        super().__init__(scope, id_)
        settings = deployment.settings
        size = settings.functions[id_]
        name = deployment.named(size.name)
        self.dead_letters = DeadLetterQueue(self, "dead-letters", deployment, f"{size.name}-dlq")
        self.log_group = CloudwatchLogGroup(
            self,
            "log-group",
            name=f"/aws/lambda/{name}",
            retention_in_days=settings.logs.retention_days,
            skip_destroy=False,
            tags=deployment.tags,
        )
        self.role = IamRole(
            self,
            "role",
            name=name,
            description=f"What {name} may do",
            assume_role_policy=statements.document(
                {
                    "Sid": "LambdaAssumes",
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                }
            ),
            tags=deployment.tags,
        )
        self.policy = IamRolePolicy(
            self,
            "policy",
            name=name,
            role=self.role.name,
            policy=statements.document(
                statements.allow(
                    "WriteLogs",
                    # Without CreateLogGroup the group cannot come back, never expiring, after
                    # destroy.
                    ["logs:CreateLogStream", "logs:PutLogEvents"],
                    [f"{self.log_group.arn}:*"],
                ),
                statements.allow("SendDeadLetters", ["sqs:SendMessage"], [self.dead_letters.arn]),
                statements.allow("Publish", ["sns:Publish"], [publishes_to]),
                statements.allow("PublishEncrypted", PUBLISHING, [key.arn]),
                *permissions,
            ),
        )
        variables = {**environment, "ENVIRONMENT_SUFFIX": deployment.suffix}
        if dead_letter_variable is not None:
            variables[dead_letter_variable] = self.dead_letters.url
        self.function = LambdaFunction(
            self,
            "function",
            function_name=name,
            role=self.role.arn,
            runtime=settings.functions.runtime,
            architectures=[settings.functions.architecture],
            handler=f"{code.module}.handle",
            filename=code.path,
            source_code_hash=code.source_code_hash,
            memory_size=size.memory_mb,
            timeout=size.timeout_seconds,
            reserved_concurrent_executions=size.reserved_concurrency,
            environment={"variables": variables},
            kms_key_arn=key.arn,
            dead_letter_config={"target_arn": self.dead_letters.arn},
            logging_config={
                "log_format": "JSON",
                "application_log_level": settings.logs.application_level,
                "system_log_level": settings.logs.system_level,
                "log_group": self.log_group.name,
            },
            tags=deployment.tags,
            depends_on=[self.policy, self.log_group],
        )
        LambdaFunctionEventInvokeConfig(
            self,
            "event-invoke",
            function_name=self.function.function_name,
            maximum_retry_attempts=size.maximum_retries,
            maximum_event_age_in_seconds=size.maximum_event_age_seconds,
            # An empty block would be a permanent difference.
            destination_config=(
                None
                if success_topic_arn is None
                else LambdaFunctionEventInvokeConfigDestinationConfig(
                    on_success=LambdaFunctionEventInvokeConfigDestinationConfigOnSuccess(
                        destination=success_topic_arn
                    )
                )
            ),
            depends_on=[self.policy],
        )

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return str(self.function.arn)
