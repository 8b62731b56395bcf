"""The stack: composes the constructs, and states what goes in and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stack import statements
from stack.alarms import PipelineAlarms
from stack.bindings import (
    AwsProvider,
    Construct,
    DataAwsCallerIdentity,
    LocalBackend,
    S3Backend,
    TerraformOutput,
    TerraformStack,
    TerraformVariable,
)
from stack.dashboard import PipelineDashboard
from stack.deployment import Deployment
from stack.encryption import PipelineKey
from stack.eventing import StreamMapping, Topic, stream_reading
from stack.functions import PipelineFunction
from stack.ingress import WebhookApi
from stack.naming import SUFFIX_VARIABLE, stack_name
from stack.observability import ErrorSubscription
from stack.packaging import Code
from stack.settings import SECRETS_LIMIT, Settings
from stack.storage import PriceTable


class PipelineStack(TerraformStack):
    """Everything that is deployed, in one environment."""

    def __init__(
        self, scope: Construct, settings: Settings, suffix: str, codes: Mapping[str, Code]
    ) -> None:
        """Compose the stack of one suffix; `codes` is by the functions' keys in the settings."""
        super().__init__(scope, stack_name(suffix))
        self._keep_state(settings, suffix)
        AwsProvider(self, "aws", region=settings.project.region)
        identity = DataAwsCallerIdentity(self, "identity")
        deployment = Deployment(settings, self._suffix(suffix), str(identity.account_id))

        key = PipelineKey(self, "encryption", deployment)
        table = PriceTable(self, "storage", deployment)
        topics = settings.topics
        success = Topic(self, "success-topic", deployment, key, topics.success)
        errors = Topic(self, "error-topic", deployment, key, topics.errors, alarms=True)

        processor = self._webhook_processor(
            deployment, key, codes["webhook_processor"], table, success
        )
        enricher = PipelineFunction(
            self,
            "price_enricher",
            deployment,
            key,
            codes["price_enricher"],
            environment={
                "TABLE_NAME": table.table.name,
                "SUCCESS_TOPIC_ARN": success.arn,
                "ROW_RETENTION_SECONDS": str(deployment.settings.row_retention_seconds),
                "WINDOW_REACH_SECONDS": str(deployment.settings.window_reach_seconds),
            },
            permissions=[
                statements.allow(
                    "EnrichPrices", ["dynamodb:PartiQLUpdate", "dynamodb:Query"], [table.arn]
                ),
                *stream_reading(table),
            ],
            publishes_to=success.arn,
            success_topic_arn=success.arn,
        )
        notifier = PipelineFunction(
            self,
            "error_notifier",
            deployment,
            key,
            codes["error_notifier"],
            environment={"ERROR_TOPIC_ARN": errors.arn},
            permissions=[],
            publishes_to=errors.arn,
            # A delivered notice is no price update: subscribers of those must not be told.
            success_topic_arn=None,
        )

        StreamMapping(self, "stream", deployment, table, enricher)
        api = WebhookApi(self, "ingress", deployment, processor)
        subscriptions = Construct(self, "error-subscriptions")
        ErrorSubscription(subscriptions, "webhook_processor", deployment, processor, notifier)
        ErrorSubscription(subscriptions, "price_enricher", deployment, enricher, notifier)
        functions = {
            "webhook_processor": processor,
            "price_enricher": enricher,
            "error_notifier": notifier,
        }
        alarms = PipelineAlarms(self, "alarms", deployment, errors, functions)
        PipelineDashboard(
            self, "dashboard", deployment, alarms, functions, api, table, [success, errors]
        )

        for name, value, description in (
            ("webhook_processor_arn", processor.arn, "ARN of the function that takes webhooks"),
            ("price_enricher_arn", enricher.arn, "ARN of the function that adds the metrics"),
            ("error_notifier_arn", notifier.arn, "ARN of the function that sends error notices"),
            ("table_name", table.table.name, "Table of prices and their metrics"),
            ("success_topic_arn", success.arn, "Topic told of processed updates"),
            ("error_topic_arn", errors.arn, "Topic told of errors"),
            ("webhook_url", api.webhook_url, "Exchanges post to {webhook_url}/{exchange}"),
            ("api_key_id", api.key.id, "Id of the API key; its value is sent as x-api-key"),
            ("webhook_dlq_url", processor.dead_letters.url, "Refused and failed messages"),
            ("enricher_dlq_url", enricher.dead_letters.url, "Batches that could not be enriched"),
        ):
            TerraformOutput(self, name, value=value, description=description)

    def _allocate_logical_id(self, tf_element: Any) -> str:
        """Name a resource in Terraform by its place in the stack, without CDKTF's hash.

        `aws_lambda_function.price_enricher_function` is what people read in plans and findings.
        """
        path: str = tf_element.node.path
        return path.partition("/")[2].replace("/", "_").replace("-", "_")

    def _keep_state(self, settings: Settings, suffix: str) -> None:
        state = settings.state
        if state.s3_bucket:
            S3Backend(
                self,
                bucket=state.s3_bucket,
                key=f"{state.s3_key_prefix}/{suffix}.tfstate",
                region=settings.project.region,
                encrypt=True,
            ).add_override("use_lockfile", True)
        else:
            # Beside cdktf.out, as seen from the stack folder: cdktf's default is the same place as
            # an absolute path, which would differ between machines.
            LocalBackend(self, path=f"../../../terraform.{stack_name(suffix)}.tfstate")

    def _suffix(self, suffix: str) -> str:
        variable = TerraformVariable(
            self,
            SUFFIX_VARIABLE,
            type="string",
            default=suffix,
            nullable=False,
            description="Ends every name; fixed when the stack is synthesized",
        )
        variable.add_validation(
            condition=f'${{var.{SUFFIX_VARIABLE} == "{suffix}"}}',
            error_message=f"This stack was synthesized for the suffix {suffix}, and its state is "
            "that environment's. Synthesize again with ENVIRONMENT_SUFFIX set to the suffix you "
            "want.",
        )
        return str(variable.string_value)

    def _secrets(self) -> str:
        name = "webhook_secrets"
        variable = TerraformVariable(
            self,
            name,
            type="string",
            sensitive=True,
            nullable=False,
            description="JSON object: exchange -> its signature scheme and secrets",
        )
        variable.add_validation(
            condition=f"${{can(keys(jsondecode(var.{name})))}}",
            error_message='webhook_secrets must be a JSON object such as {"binance": {"scheme": '
            '"standard-webhooks", "secrets": ["whsec_..."]}}. Set TF_VAR_webhook_secrets to one.',
        )
        variable.add_validation(
            condition=f"${{length(var.{name}) <= {SECRETS_LIMIT}}}",
            error_message=f"webhook_secrets must be at most {SECRETS_LIMIT} characters, because "
            "Lambda allows 4 KB of environment variables. Remove secrets that are no longer used.",
        )
        return str(variable.string_value)

    def _webhook_processor(
        self,
        deployment: Deployment,
        key: PipelineKey,
        code: Code,
        table: PriceTable,
        success: Topic,
    ) -> PipelineFunction:
        settings = deployment.settings
        processing = settings.processing
        return PipelineFunction(
            self,
            "webhook_processor",
            deployment,
            key,
            code,
            environment={
                "TABLE_NAME": table.table.name,
                "WEBHOOK_SECRETS": self._secrets(),
                "HOME_QUOTE": processing.home_quote,
                "MAXIMUM_BODY_BYTES": str(processing.maximum_body_bytes),
                "MAXIMUM_NESTING": str(processing.maximum_nesting),
                "PRICE_MINIMUM": processing.price_minimum,
                "PRICE_MAXIMUM": processing.price_maximum,
                "SIGNIFICANT_DIGITS": str(processing.significant_digits),
                "PAST_WINDOW_SECONDS": str(processing.past_window_seconds),
                "FUTURE_WINDOW_SECONDS": str(processing.future_window_seconds),
                "SIGNATURE_TOLERANCE_SECONDS": str(processing.signature_tolerance_seconds),
                "ROW_RETENTION_SECONDS": str(settings.row_retention_seconds),
                "INSERT_WITHIN_SECONDS": str(settings.insert_within_seconds),
            },
            # The select looks up the event behind a duplicate: the same, or a collision of keys.
            permissions=[
                statements.allow(
                    "InsertPrices",
                    ["dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect"],
                    [table.arn],
                )
            ],
            publishes_to=success.arn,
            success_topic_arn=success.arn,
            dead_letter_variable="DEAD_LETTER_QUEUE_URL",
        )
