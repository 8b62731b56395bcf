"""The webhook: `POST /webhooks/{exchange}`, answered at once, processed asynchronously."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stack.bindings import (
    ApiGatewayApiKey,
    ApiGatewayDeployment,
    ApiGatewayIntegration,
    ApiGatewayIntegrationResponse,
    ApiGatewayMethod,
    ApiGatewayMethodResponse,
    ApiGatewayMethodSettings,
    ApiGatewayRequestValidator,
    ApiGatewayResource,
    ApiGatewayRestApi,
    ApiGatewayStage,
    ApiGatewayUsagePlan,
    ApiGatewayUsagePlanApiStages,
    ApiGatewayUsagePlanKey,
    Construct,
    Fn,
    LambdaPermission,
    TerraformResource,
    TerraformResourceLifecycle,
)
from stack.deployment import Deployment
from stack.functions import PipelineFunction

_PATH = ("webhooks", "{exchange}")
_ACCEPTED, _NOT_ACCEPTED = "202", "502"

# Matched against the whole error that Lambda reports; the default response takes what does not
# match. Status codes of success are excepted in case the code is what is matched.
# https://docs.aws.amazon.com/apigateway/latest/api/API_IntegrationResponse.html
_ANY_ERROR = r"(?!2\d\d$)(\n|.)+"

_REFUSAL = '{"accepted": false, "request_id": "$context.requestId"}'


def request_template(forwarded_headers: Sequence[str], maximum_body_bytes: int) -> str:
    """Write the VTL template that renders webhook-processor's event.

    Everything that the sender chooses is base64: the body byte for byte as it was signed, and
    values that cannot break out of the JSON. Header names are compared in lower case, because
    API Gateway keeps the sender's spelling. The receive time and the request's id are of the
    gateway, so a retry does not change them.

    A body above the limit could not become a dead letter and would be lost when its processing
    fails. A request template cannot answer by itself, so it renders what is no JSON: Lambda refuses
    that, and the sender learns that nothing was accepted.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    """
    wanted = " || ".join(f'$lower == "{name}"' for name in forwarded_headers)
    return "\n".join(
        (
            "#set($body = $util.base64Encode($input.body))",
            f"#if($body.length() > {(maximum_body_bytes + 2) // 3 * 4})",
            "too large",
            "#else",
            "#set($headers = $input.params().header)",
            '#set($separator = "")',
            '{"version": 1,',
            '"exchange": "$util.base64Encode($input.params().path.get(\'exchange\'))",',
            '"body": "$body",',
            '"received_at": $context.requestTimeEpoch,',
            '"request_id": "$context.requestId",',
            '"headers": {',
            "#foreach($name in $headers.keySet())",
            "#set($lower = $name.toLowerCase())",
            f"#if({wanted})",
            '$separator"$lower": "$util.base64Encode($headers.get($name))"',
            '#set($separator = ",")',
            "#end",
            "#end",
            "}}",
            "#end",
        )
    )


# An accepted asynchronous invocation has no body. Should the service's refusal (a payload above
# the limit, a throttle) ever reach the default response, it carries a message, and must not be
# answered 202: the exchange would not send it again.
_ACCEPTANCE_TEMPLATE = "\n".join(
    (
        '#if($input.body.toLowerCase().contains("message"))',
        f"#set($context.responseOverride.status = {_NOT_ACCEPTED})",
        _REFUSAL,
        "#else",
        '{"accepted": true, "request_id": "$context.requestId"}',
        "#end",
    )
)


class WebhookApi(Construct):
    """A regional REST API in front of webhook-processor.

    REST, because only its non-proxy integration can invoke asynchronously, which gives the
    function its retries, its dead-letter queue and its success destination. The API key is a cheap
    filter in front (refused requests cost nothing) and the usage plan a throttle; what
    authenticates a message is its signature.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integration-async.html
    """

    def __init__(
        self, scope: Construct, id_: str, deployment: Deployment, processor: PipelineFunction
    ) -> None:
        super().__init__(scope, id_)
        ingress = deployment.settings.ingress
        self.api = ApiGatewayRestApi(
            self,
            "api",
            name=deployment.named(ingress.api_name),
            description="Receives the price updates of exchanges",
            endpoint_configuration={"types": ["REGIONAL"]},
            # Replacing an API under a live stage would take the webhook down in between.
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
            tags=deployment.tags,
        )
        self._parts: list[tuple[TerraformResource, Sequence[str]]] = []
        self._define_method(deployment, processor)
        self.stage = self._deploy(deployment, processor)
        self._meter(deployment)

    def _part(self, kind: Any, id_: str, **attributes: Any) -> Any:
        """Make a part of what a deployment freezes, and note which attributes it is given."""
        depends_on = attributes.pop("depends_on", None)
        given = {name: value for name, value in attributes.items() if value is not None}
        part = kind(self, id_, rest_api_id=self.api.id, depends_on=depends_on, **given)
        self._parts.append((part, sorted(given)))
        return part

    def _define_method(self, deployment: Deployment, processor: PipelineFunction) -> None:
        parent = self.api.root_resource_id
        for id_, path_part in zip(("webhooks", "exchange"), _PATH, strict=True):
            resource = self._part(ApiGatewayResource, id_, parent_id=parent, path_part=path_part)
            parent = resource.id
        validator = self._part(
            ApiGatewayRequestValidator,
            "validator",
            name=deployment.named(deployment.settings.ingress.api_name),
            validate_request_parameters=True,
            validate_request_body=False,
        )
        post = {"resource_id": parent, "http_method": "POST"}
        method = self._part(
            ApiGatewayMethod,
            "method",
            **post,
            authorization="NONE",
            api_key_required=True,
            request_parameters={"method.request.path.exchange": True},
            request_validator_id=validator.id,
        )
        integration = self._part(
            ApiGatewayIntegration,
            "integration",
            **post,
            type="AWS",
            uri=processor.function.invoke_arn,
            integration_http_method="POST",
            request_parameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
            request_templates={
                "application/json": request_template(
                    deployment.settings.ingress.forwarded_headers,
                    deployment.settings.processing.maximum_body_bytes,
                )
            },
            # Any other content type is answered 415.
            passthrough_behavior="NEVER",
            depends_on=[method],
        )
        for status, template, pattern in (
            (_ACCEPTED, _ACCEPTANCE_TEMPLATE, None),
            (_NOT_ACCEPTED, _REFUSAL, _ANY_ERROR),
        ):
            response = self._part(
                ApiGatewayMethodResponse,
                f"method-response-{status}",
                **post,
                status_code=status,
                response_models={"application/json": "Empty"},
                depends_on=[method],
            )
            self._part(
                ApiGatewayIntegrationResponse,
                f"integration-response-{status}",
                **post,
                status_code=status,
                selection_pattern=pattern,
                response_templates={"application/json": template},
                depends_on=[integration, response],
            )

    def _deploy(self, deployment: Deployment, processor: PipelineFunction) -> ApiGatewayStage:
        ingress = deployment.settings.ingress
        permission = LambdaPermission(
            self,
            "permission",
            statement_id=deployment.named(ingress.api_name),
            action="lambda:InvokeFunction",
            function_name=processor.function.function_name,
            principal="apigateway.amazonaws.com",
            # A path parameter stands in the ARN as `*`.
            source_arn=f"{self.api.execution_arn}/{ingress.stage}/POST/{_PATH[0]}/*",
        )
        # A deployment is a snapshot: it has to be made anew when, and only when, the definition
        # changes. Terraform itself hashes what is given to every part, so no digest can be stale,
        # and the deployment waits for them.
        # https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/api_gateway_deployment
        definition = [
            part.interpolation_for_attribute(name) for part, names in self._parts for name in names
        ]
        snapshot = ApiGatewayDeployment(
            self,
            "deployment",
            rest_api_id=self.api.id,
            triggers={"definition": Fn.sha256(Fn.jsonencode(definition))},
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        stage = ApiGatewayStage(
            self,
            "stage",
            rest_api_id=self.api.id,
            deployment_id=snapshot.id,
            stage_name=ingress.stage,
            tags=deployment.tags,
            # The URL answers from the moment it exists.
            depends_on=[permission],
        )
        ApiGatewayMethodSettings(
            self,
            "method-settings",
            rest_api_id=self.api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings={
                "throttling_rate_limit": ingress.throttle_rate,
                "throttling_burst_limit": ingress.throttle_burst,
                # Execution logs would go to a log group that API Gateway makes and never expires.
                "logging_level": "OFF",
            },
        )
        return stage

    def _meter(self, deployment: Deployment) -> None:
        ingress = deployment.settings.ingress
        self.key = self._api_key(deployment, "key", ingress.api_key)
        plan = ApiGatewayUsagePlan(
            self,
            "usage-plan",
            name=deployment.named(ingress.usage_plan),
            description="Throttles the exchanges",
            api_stages=[
                ApiGatewayUsagePlanApiStages(api_id=self.api.id, stage=self.stage.stage_name)
            ],
            throttle_settings={
                "rate_limit": ingress.throttle_rate,
                "burst_limit": ingress.throttle_burst,
            },
            tags=deployment.tags,
        )
        self._admit(plan, "usage-plan-key", self.key)
        # A key of an exchange's own can be replaced or taken away without touching the others.
        for name in ingress.own_api_keys:
            own = self._api_key(deployment, f"key-{name}", f"{ingress.api_key}-{name}")
            self._admit(plan, f"usage-plan-key-{name}", own)

    def _api_key(self, deployment: Deployment, id_: str, name: str) -> ApiGatewayApiKey:
        return ApiGatewayApiKey(
            self,
            id_,
            name=deployment.named(name),
            description="Sent by the exchanges as x-api-key",
            tags=deployment.tags,
        )

    def _admit(self, plan: ApiGatewayUsagePlan, id_: str, key: ApiGatewayApiKey) -> None:
        ApiGatewayUsagePlanKey(self, id_, key_id=key.id, key_type="API_KEY", usage_plan_id=plan.id)

    @property
    def webhook_url(self) -> str:
        """The URL below which each exchange has its webhook: `{webhook_url}/{exchange}`."""
        return f"{self.stage.invoke_url}/{_PATH[0]}"
