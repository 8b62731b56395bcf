"""What passes from one part of the pipeline to the next: the topics and the table's stream."""

from __future__ import annotations

import json

from stack import statements
from stack.bindings import (
    Construct,
    LambdaEventSourceMapping,
    LambdaEventSourceMappingDestinationConfig,
    LambdaEventSourceMappingDestinationConfigOnFailure,
    LambdaEventSourceMappingFilterCriteria,
    LambdaEventSourceMappingFilterCriteriaFilter,
    SnsTopic,
)
from stack.deployment import Deployment
from stack.encryption import PipelineKey
from stack.functions import PipelineFunction
from stack.statements import Statement
from stack.storage import PriceTable

# What a topic policy may name; SNS refuses others.
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
_TOPIC_ACTIONS = (
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
)


class Topic(Construct):
    """A topic under the pipeline's key that is reached through TLS only.

    Its policy replaces the default one. Roles of the account publish by their identity policies,
    which suffices within an account; CloudWatch alarms have none and are let in by `alarms`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        deployment: Deployment,
        key: PipelineKey,
        name: str,
        *,
        alarms: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        full_name = deployment.named(name)
        arn = deployment.arn("sns", full_name)
        region = deployment.settings.project.region
        from_alarms = statements.from_alarms(deployment.account, region)
        self.topic = SnsTopic(
            self,
            "topic",
            name=full_name,
            kms_master_key_id=key.arn,
            policy=statements.document(
                statements.deny_without_tls("RefuseWithoutTls", _TOPIC_ACTIONS, arn),
                *([statements.allow("AlarmsPublish", ["sns:Publish"], [arn], **from_alarms)])
                * alarms,
            ),
            tags=deployment.tags,
        )

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return str(self.topic.arn)


def stream_reading(table: PriceTable) -> list[Statement]:
    """What the role of a stream's reader needs.

    Listing streams has no resource in IAM:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    """
    return [
        statements.allow(
            "ReadStream",
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            [table.stream_arn],
        ),
        statements.allow("ListStreams", ["dynamodb:ListStreams"], ["*"]),
    ]


class StreamMapping(Construct):
    """Hands the table's new rows to a function.

    Only insertions: the function's own updates would call it again, and Lambda's loop detection
    does not cover DynamoDB. What fails for good goes to the function's dead-letter queue, which
    its own dead-letter configuration cannot see to, because a mapping invokes synchronously.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        deployment: Deployment,
        table: PriceTable,
        reader: PipelineFunction,
    ) -> None:
        super().__init__(scope, id_)
        stream = deployment.settings.stream
        LambdaEventSourceMapping(
            self,
            "mapping",
            event_source_arn=table.stream_arn,
            function_name=reader.arn,
            # A new mapping can miss records for minutes when it starts at LATEST.
            starting_position="TRIM_HORIZON",
            batch_size=stream.batch_size,
            maximum_batching_window_in_seconds=stream.batching_window_seconds,
            parallelization_factor=stream.parallelization_factor,
            maximum_retry_attempts=stream.maximum_retries,
            maximum_record_age_in_seconds=stream.maximum_record_age_seconds,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            filter_criteria=LambdaEventSourceMappingFilterCriteria(
                filter=[
                    LambdaEventSourceMappingFilterCriteriaFilter(
                        pattern=json.dumps({"eventName": ["INSERT"]})
                    )
                ]
            ),
            destination_config=LambdaEventSourceMappingDestinationConfig(
                on_failure=LambdaEventSourceMappingDestinationConfigOnFailure(
                    destination_arn=reader.dead_letters.arn
                )
            ),
            tags=deployment.tags,
            depends_on=[reader.policy],
        )
