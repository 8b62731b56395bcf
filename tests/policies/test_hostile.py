"""Hand-written attempts to get something past the gate: each has to be a violation."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest

from policies.policy import Verdict
from tests.policies.documents import Document, Pipeline, only, told

ATTEMPTS: list[Callable[[Document], None]] = []


def hostile(attempt: Callable[[Document], None]) -> Callable[[Document], None]:
    ATTEMPTS.append(attempt)
    return attempt


def _of(d: Document, type_: str, name: str) -> Document:
    found: Document = d["resource"][type_][name]
    return found


def function(d: Document, name: str = "webhook_processor") -> Document:
    return _of(d, "aws_lambda_function", f"{name}_function")


def queue(d: Document, name: str = "webhook_processor") -> Document:
    return _of(d, "aws_sqs_queue", f"{name}_dead_letters_queue")


def group(d: Document, name: str = "webhook_processor") -> Document:
    return _of(d, "aws_cloudwatch_log_group", f"{name}_log_group")


def rights(d: Document, name: str = "webhook_processor") -> Document:
    return _of(d, "aws_iam_role_policy", f"{name}_policy")


def everyone(action: str) -> str:
    """A policy that lets everyone do something everywhere."""
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def table(d: Document) -> Document:
    return only(d, "aws_dynamodb_table")


def change(body: Document, alter: Callable[[Document], object]) -> None:
    """Change the policy that stands as text in a resource."""
    whole = json.loads(body["policy"])
    alter(whole)
    body["policy"] = json.dumps(whole)


@hostile
def region_null(d: Document) -> None:
    d["provider"]["aws"][0]["region"] = None


@hostile
def provider_object_alias(d: Document) -> None:
    d["provider"] = {"aws": [{"region": "us-east-1"}, {"region": "us-east-1", "alias": "x"}]}


@hostile
def provider_profile(d: Document) -> None:
    d["provider"]["aws"][0]["profile"] = "x"


@hostile
def ephemeral(d: Document) -> None:
    d["ephemeral"] = {"aws_secretsmanager_secret_version": {"x": {"secret_id": "x"}}}


@hostile
def cloud(d: Document) -> None:
    d["terraform"]["cloud"] = {"organization": "x"}


@hostile
def two_backends(d: Document) -> None:
    d["terraform"]["backend"]["s3"] = {
        "bucket": "b",
        "key": "dev.tfstate",
        "region": "us-east-1",
        "encrypt": True,
    }


@hostile
def nested_ignore(d: Document) -> None:
    table(d)["lifecycle"] = {"ignore_changes": []}
    table(d)["lifecycle"]["ignore_changes"] = ["billing_mode"]


@hostile
def prevent_null_expr(d: Document) -> None:
    table(d)["lifecycle"] = {"prevent_destroy": "${!false}"}


@hostile
def replace_trigroup(d: Document) -> None:
    table(d)["lifecycle"] = {"replace_triggered_by": ["aws_kms_key.encryption_key"]}


@hostile
def precondition(d: Document) -> None:
    table(d)["lifecycle"] = {"precondition": [{"condition": "${true}", "error_message": "x"}]}


@hostile
def lower_effect(d: Document) -> None:
    change(rights(d), lambda w: w["Statement"][0].update(Effect="allow"))


@hostile
def dup_statement_case(d: Document) -> None:
    change(
        rights(d),
        lambda w: w.update(statement=[{"Effect": "Allow", "Action": "*", "Resource": "*"}]),
    )


@hostile
def version_old(d: Document) -> None:
    change(rights(d), lambda w: w.update(Version="2008-10-17"))


@hostile
def action_fullwidth(d: Document) -> None:
    change(
        rights(d), lambda w: w["Statement"][0].update(Action=["logs:PutLogEvents", "logs:\uff0a"])
    )


@hostile
def action_nl(d: Document) -> None:
    change(
        rights(d),
        lambda w: w["Statement"][0].update(Action=["logs:CreateLogStream", "logs:PutLogEvents\n"]),
    )


@hostile
def action_nested(d: Document) -> None:
    change(rights(d), lambda w: w["Statement"][0].update(Action=[["*"]]))


@hostile
def action_obj(d: Document) -> None:
    change(rights(d), lambda w: w["Statement"][0].update(Action={"a": "*"}))


@hostile
def resource_expr(d: Document) -> None:
    change(
        rights(d),
        lambda w: w["Statement"][1].update(
            Resource="${aws_sqs_queue.webhook_processor_dead_letters_queue.arn}*"
        ),
    )


@hostile
def resource_q(d: Document) -> None:
    change(
        rights(d),
        lambda w: w["Statement"][1].update(
            Resource=["${aws_sqs_queue.webhook_processor_dead_letters_queue.arn}", "*"]
        ),
    )


@hostile
def escalate(d: Document) -> None:
    change(
        rights(d),
        lambda w: w["Statement"].append(
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": "${aws_iam_role.webhook_processor_role.arn}",
            }
        ),
    )


@hostile
def data_doc(d: Document) -> None:
    d["data"]["aws_iam_policy_document"] = {
        "x": {"statement": [{"actions": ["*"], "resources": ["*"]}]}
    }
    rights(d)["policy"] = "${data.aws_iam_policy_document.x.json}"


@hostile
def data_doc_ok_actions(d: Document) -> None:
    d["data"]["aws_iam_policy_document"] = {
        "x": {
            "source_policy_documents": ["{}"],
            "statement": [{"actions": ["sqs:SendMessage"], "resources": ["*"]}],
        }
    }
    rights(d)["policy"] = "${data.aws_iam_policy_document.x.json}"


@hostile
def policy_cond_expr(d: Document) -> None:
    rights(d)["policy"] = '${var.environmentSuffix == "dev" ? "a" : "b"}'


@hostile
def policy_merge(d: Document) -> None:
    rights(d)["policy"] = (
        '${jsonencode(merge({Version="2012-10-17"},{Statement=[{Effect="Allow",Action="*",Resource="*"}]}))}'
    )


@hostile
def env_empty(d: Document) -> None:
    function(d)["environment"] = {"variables": {}}


@hostile
def env_null_secret(d: Document) -> None:
    function(d)["environment"]["variables"]["WEBHOOK_SECRETS"] = None


@hostile
def env_extra_path(d: Document) -> None:
    function(d)["environment"]["variables"]["PYTHONPATH"] = "/tmp"


@hostile
def arch_two_via_concat(d: Document) -> None:
    function(d)["architectures"] = '${concat(["arm64"],["x86_64"])}'


@hostile
def arch_cond(d: Document) -> None:
    function(d)["architectures"] = ['${true ? "x86_64" : "arm64"}']


@hostile
def snap(d: Document) -> None:
    function(d)["snap_start"] = {"apply_on": "PublishedVersions"}


@hostile
def tracingroup(d: Document) -> None:
    function(d)["tracing_config"] = {"mode": "PassThrough"}


@hostile
def group_for_other(d: Document) -> None:
    group(d)["name"] = "/aws/lambda/webhook-processors-${var.environmentSuffix}"


@hostile
def group_upper(d: Document) -> None:
    group(d)["name"] = "/AWS/lambda/webhook-processor-${var.environmentSuffix}"


@hostile
def retention_arith(d: Document) -> None:
    group(d)["retention_in_days"] = "${3 * 10}"


@hostile
def retention_str(d: Document) -> None:
    group(d)["retention_in_days"] = "30"


@hostile
def retention_var(d: Document) -> None:
    d["variable"]["days"] = {"default": 3}
    group(d)["retention_in_days"] = "${var.days}"


@hostile
def retention_local(d: Document) -> None:
    d["locals"] = {"d": 3}
    group(d)["retention_in_days"] = "${local.d}"


@hostile
def retention_other_ref(d: Document) -> None:
    group(d)["retention_in_days"] = "${aws_kms_key.encryption_key.deletion_window_in_days}"


@hostile
def swap_dlqs(d: Document) -> None:
    x, y = function(d)["dead_letter_config"], function(d, "price_enricher")["dead_letter_config"]
    function(d)["dead_letter_config"] = y
    function(d, "price_enricher")["dead_letter_config"] = x


@hostile
def swap_names(d: Document) -> None:
    x, y = queue(d)["name"], queue(d, "price_enricher")["name"]
    queue(d)["name"] = y
    queue(d, "price_enricher")["name"] = x


@hostile
def swap_roles(d: Document) -> None:
    x, y = function(d)["role"], function(d, "price_enricher")["role"]
    function(d)["role"] = y
    function(d, "price_enricher")["role"] = x


@hostile
def queue_delay(d: Document) -> None:
    queue(d)["delay_seconds"] = 900


@hostile
def queue_visibility(d: Document) -> None:
    queue(d)["max_message_size"] = 1024


@hostile
def queue_kms_and_sse(d: Document) -> None:
    queue(d)["kms_data_key_reuse_period_seconds"] = 60


@hostile
def topic_second_policy(d: Document) -> None:
    d["resource"]["aws_sns_topic_policy"] = {
        "x": {
            "arn": "${aws_sns_topic.success_topic_topic.arn}",
            "policy": everyone("sns:Publish"),
        }
    }


@hostile
def key_policy_second(d: Document) -> None:
    d["resource"]["aws_kms_key_policy"] = {
        "x": {
            "key_id": "${aws_kms_key.encryption_key.id}",
            "policy": everyone("kms:*"),
        }
    }


@hostile
def grant(d: Document) -> None:
    d["resource"]["aws_kms_grant"] = {
        "x": {"key_id": "x", "grantee_principal": "*", "operations": ["Decrypt"]}
    }


@hostile
def second_key(d: Document) -> None:
    d["resource"]["aws_kms_key"]["k2"] = copy.deepcopy(
        d["resource"]["aws_kms_key"]["encryption_key"]
    )
    function(d)["kms_key_arn"] = "${aws_kms_key.k2.arn}"


@hostile
def api_resource_policy(d: Document) -> None:
    d["resource"]["aws_api_gateway_rest_api"]["ingress_api"]["policy"] = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}'
    )


@hostile
def api_body(d: Document) -> None:
    d["resource"]["aws_api_gateway_rest_api"]["ingress_api"]["body"] = "{}"


@hostile
def method2(d: Document) -> None:
    d["resource"]["aws_api_gateway_method"]["m2"] = {
        **d["resource"]["aws_api_gateway_method"]["ingress_method"],
        "http_method": "GET",
        "api_key_required": False,
    }


@hostile
def event_quotes(d: Document) -> None:
    d["resource"]["aws_api_gateway_integration"]["ingress_integration"]["request_parameters"] = {
        "integration.request.header.X-Amz-Invocation-Type": "Event"
    }


@hostile
def tmpl_extra_type(d: Document) -> None:
    d["resource"]["aws_api_gateway_integration"]["ingress_integration"]["request_templates"][
        "text/plain"
    ] = "$input.body"


@hostile
def cache(d: Document) -> None:
    d["resource"]["aws_api_gateway_method_settings"]["ingress_method_settings"]["settings"][
        "caching_enabled"
    ] = True


@hostile
def data_trace(d: Document) -> None:
    d["resource"]["aws_api_gateway_method_settings"]["ingress_method_settings"]["settings"][
        "data_trace_enabled"
    ] = True


@hostile
def stage_logs(d: Document) -> None:
    d["resource"]["aws_api_gateway_stage"]["ingress_stage"]["access_log_settings"] = {
        "destination_arn": "x",
        "format": "x",
    }


@hostile
def plan_other_stage(d: Document) -> None:
    d["resource"]["aws_api_gateway_usage_plan"]["ingress_usage_plan"]["api_stages"][0]["stage"] = (
        "v2"
    )


@hostile
def plan_throttle_path(d: Document) -> None:
    d["resource"]["aws_api_gateway_usage_plan"]["ingress_usage_plan"]["api_stages"][0][
        "throttle"
    ] = [{"path": "/webhooks/POST", "rate_limit": 100000, "burst_limit": 100000}]


@hostile
def filter_swapped(d: Document) -> None:
    d["resource"]["aws_cloudwatch_log_subscription_filter"][
        "error_subscriptions_price_enricher_filter"
    ]["log_group_name"] = "${aws_cloudwatch_log_group.webhook_processor_log_group.name}"


@hostile
def filter_text_all(d: Document) -> None:
    d["resource"]["aws_cloudwatch_log_subscription_filter"][
        "error_subscriptions_price_enricher_filter"
    ]["filter_pattern"] = "?ERROR ?CRITICAL ?timeout ?error ?failure"


@hostile
def filter_account_policy(d: Document) -> None:
    d["resource"]["aws_cloudwatch_log_account_policy"] = {"x": {"policy_name": "x"}}


@hostile
def provisioned_conc(d: Document) -> None:
    d["resource"]["aws_lambda_provisioned_concurrency_config"] = {"x": {}}


@hostile
def url(d: Document) -> None:
    d["resource"]["aws_lambda_function_url"] = {
        "x": {"function_name": "x", "authorization_type": "NONE"}
    }


@hostile
def table_sse_kms(d: Document) -> None:
    table(d)["server_side_encryption"] = {
        "enabled": True,
        "kms_key_arn": "${aws_kms_key.encryption_key.arn}",
    }


@hostile
def table_replica(d: Document) -> None:
    table(d)["replica"] = [{"region_name": "eu-west-1"}]


@hostile
def table_autoscale(d: Document) -> None:
    d["resource"]["aws_appautoscaling_target"] = {"x": {}}


@hostile
def table_restore(d: Document) -> None:
    table(d)["restore_source_name"] = "x"


@hostile
def timeouts_block(d: Document) -> None:
    table(d)["timeouts"] = {"create": "1s"}


@hostile
def env_suffix_default_number(d: Document) -> None:
    d["variable"]["environmentSuffix"]["default"] = 5


@hostile
def var_type_any(d: Document) -> None:
    d["variable"]["environmentSuffix"]["type"] = "any"


@hostile
def var_nullable(d: Document) -> None:
    d["variable"]["environmentSuffix"]["nullable"] = True


@hostile
def out_secret_desc(d: Document) -> None:
    d["output"]["table_name"]["description"] = "${var.webhook_secrets}"


@hostile
def version_range(d: Document) -> None:
    d["terraform"]["required_providers"]["aws"]["version"] = "~> 5.100.0"


@hostile
def version_multi(d: Document) -> None:
    d["terraform"]["required_providers"]["aws"]["version"] = "5.100.0, >= 5"


@hostile
def rp_str(d: Document) -> None:
    d["terraform"]["required_providers"]["aws"] = "5.100.0"


@hostile
def res_null_label(d: Document) -> None:
    d["resource"]["aws_sqs_queue"]["webhook_processor_dead_letters_queue"] = None


@hostile
def tag_suffix_literal(d: Document) -> None:
    table(d)["tags"]["Environment"] = "dev"


@hostile
def tags_all(d: Document) -> None:
    table(d)["tags_all"] = {}


@hostile
def mapping_dup(d: Document) -> None:
    d["resource"]["aws_lambda_event_source_mapping"]["x"] = copy.deepcopy(
        d["resource"]["aws_lambda_event_source_mapping"]["stream_mapping"]
    )


@hostile
def mapping_at_ts(d: Document) -> None:
    d["resource"]["aws_lambda_event_source_mapping"]["stream_mapping"].update(
        starting_position="AT_TIMESTAMP", starting_position_timestamp="2030-01-01T00:00:00Z"
    )


@hostile
def mapping_filter_numeric(d: Document) -> None:
    d["resource"]["aws_lambda_event_source_mapping"]["stream_mapping"]["filter_criteria"][
        "filter"
    ] = [{"pattern": '{"eventName": ["INSERT"], "eventName": ["MODIFY"]}'}]


@hostile
def mapping_filter_prefix(d: Document) -> None:
    d["resource"]["aws_lambda_event_source_mapping"]["stream_mapping"]["filter_criteria"][
        "filter"
    ] = [{"pattern": '{"eventName": [{"prefix":"I"}]}'}]


@hostile
def comment_attr(d: Document) -> None:
    function(d)["//"] = {"metadata": {"path": "x"}}
    function(d)["architectures"] = ["x86_64"]


@hostile
def zwsp(d: Document) -> None:
    function(d)["architectures"] = ["arm64\u200b"]


@hostile
def perm_stage_star(d: Document) -> None:
    p = d["resource"]["aws_lambda_permission"]["ingress_permission"]
    p["source_arn"] = p["source_arn"].replace("/v1/", "/*/")


@hostile
def perm_other_api(d: Document) -> None:
    p = d["resource"]["aws_lambda_permission"]["ingress_permission"]
    p["source_arn"] = (
        "arn:aws:execute-api:us-east-1:${data.aws_caller_identity.identity.account_id}:*/v1/POST/webhooks/*"
    )


@hostile
def perm_principal_upper(d: Document) -> None:
    d["resource"]["aws_lambda_permission"]["ingress_permission"]["principal"] = (
        "APIGATEWAY.amazonaws.com"
    )


@hostile
def notifier_group_filter(d: Document) -> None:
    x = copy.deepcopy(
        d["resource"]["aws_cloudwatch_log_subscription_filter"][
            "error_subscriptions_price_enricher_filter"
        ]
    )
    x["log_group_name"] = "${aws_cloudwatch_log_group.error_notifier_log_group.name}"
    d["resource"]["aws_cloudwatch_log_subscription_filter"]["n"] = x


@hostile
def alias_name(d: Document) -> None:
    d["resource"]["aws_kms_alias"]["encryption_alias"]["name"] = (
        "alias/aws/x-${var.environmentSuffix}"
    )


@hostile
def zero_wide_suffix(d: Document) -> None:
    table(d)["name"] = "crypto-prices-${var.environmentSuffix}\u200b"


@hostile
def suffix_upper(d: Document) -> None:
    table(d)["name"] = "crypto-prices-${upper(var.environmentSuffix)}"


@hostile
def suffix_function(d: Document) -> None:
    table(d)["name"] = '${format("crypto-prices-%s", var.environmentSuffix)}'


@hostile
def count_expr(d: Document) -> None:
    table(d)["count"] = "${length([])}"


@hostile
def count_bool(d: Document) -> None:
    table(d)["count"] = True


@hostile
def foreach_one(d: Document) -> None:
    queue(d)["for_each"] = {"a": 1}


def role(d: Document) -> Document:
    return _of(d, "aws_iam_role", "webhook_processor_role")


def key(d: Document) -> Document:
    return only(d, "aws_kms_key")


def splice_sid(d: Document, symbol: str) -> None:
    change(rights(d), lambda w: w["Statement"][0].update(Sid=f"X{symbol}"))


def admit_alarms(body: Document, *actions: str, arn: str | None = None) -> None:
    """Add a statement that lets this account's alarms do something, from `arn` if it is given."""

    def alter(whole: Document) -> None:
        equals = {"aws:SourceAccount": "${data.aws_caller_identity.identity.account_id}"}
        condition: Document = {"StringEquals": equals}
        if arn is not None:
            condition["ArnLike"] = {"aws:SourceArn": arn}
        statement = {
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": whole["Statement"][0]["Resource"],
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": condition,
        }
        whole["Statement"].append(statement)

    change(body, alter)


@hostile
def statement_from_description(d: Document) -> None:
    # IAM takes quotation marks in a description: in a policy's text they open a statement.
    role(d)["description"] = '","Effect":"Allow","Action":["*"],"Resource":["*"]},{"Sid":"Y'
    splice_sid(d, "${aws_iam_role.webhook_processor_role.description}")


@hostile
def statement_from_tag(d: Document) -> None:
    splice_sid(d, "${aws_iam_role.webhook_processor_role.tags.Owner}")


@hostile
def api_key_in_policy(d: Document) -> None:
    splice_sid(d, "${aws_api_gateway_api_key.ingress_key.value}")


@hostile
def api_key_in_description(d: Document) -> None:
    role(d)["description"] = "of ${aws_api_gateway_api_key.ingress_key.value}"


@hostile
def secrets_in_description(d: Document) -> None:
    environment = "aws_lambda_function.webhook_processor_function.environment"
    role(d)["description"] = f"of ${{jsonencode({environment})}}"


@hostile
def secrets_by_index(d: Document) -> None:
    environment = "aws_lambda_function.webhook_processor_function.environment"
    role(d)["description"] = f"of ${{{environment}[0].variables.WEBHOOK_SECRETS}}"


@hostile
def secrets_by_whole_resource(d: Document) -> None:
    function_ = "aws_lambda_function.webhook_processor_function"
    role(d)["description"] = f"of ${{jsonencode({function_})}}"


@hostile
def secrets_in_error_message(d: Document) -> None:
    d["variable"]["webhook_secrets"]["validation"][0]["error_message"] = (
        "${nonsensitive(var.webhook_secrets)} is not right."
    )


@hostile
def validation_by_file(d: Document) -> None:
    d["variable"]["webhook_secrets"]["validation"][0]["condition"] = (
        '${fileexists("/tmp/x") || length(var.webhook_secrets) > 0}'
    )


@hostile
def validation_never_true(d: Document) -> None:
    d["variable"]["webhook_secrets"]["validation"][0]["condition"] = "${false}"


@hostile
def alarms_delete_key(d: Document) -> None:
    admit_alarms(key(d), "kms:ScheduleKeyDeletion", arn="arn:aws:cloudwatch:x")


@hostile
def alarms_delete_topic(d: Document) -> None:
    admit_alarms(_of(d, "aws_sns_topic", "error_topic_topic"), "sns:DeleteTopic", arn="x")


@hostile
def alarms_publish_success(d: Document) -> None:
    admit_alarms(_of(d, "aws_sns_topic", "success_topic_topic"), "sns:Publish")


@hostile
def alarms_purge_queue(d: Document) -> None:
    admit_alarms(queue(d), "sqs:PurgeQueue")


@hostile
def foreign_action(d: Document) -> None:
    change(key(d), lambda w: w["Statement"][0]["Action"].append("dynamodb:DeleteTable"))


@hostile
def empty_principal(d: Document) -> None:
    change(rights(d), lambda w: w["Statement"][0].update(Principal={}))


@hostile
def fraction_beyond_a_float(d: Document) -> None:
    group(d)["retention_in_days"] = "3.0000000000000000001"


@hostile
def empty_module(d: Document) -> None:
    d["module"] = {}


@hostile
def empty_unknown_block(d: Document) -> None:
    d["resources"] = []


@hostile
def null_locals(d: Document) -> None:
    d["locals"] = None


@hostile
def directive_in_output(d: Document) -> None:
    d["output"]["table_name"]["description"] = "%{ if true }x%{ endif }"


@hostile
def state_in_the_stack_folder(d: Document) -> None:
    d["terraform"]["backend"]["local"]["path"] = "terraform.crypto-prices-dev.tfstate"


@hostile
def state_on_this_machine(d: Document) -> None:
    d["terraform"]["backend"]["local"]["path"] = "/tmp/terraform.crypto-prices-dev.tfstate"


@hostile
def state_of_another_project(d: Document) -> None:
    d["terraform"]["backend"]["local"]["path"] = "../../../terraform.others-dev.tfstate"


@hostile
def eight_queue_actions_in_a_statement(d: Document) -> None:
    def join(whole: Document) -> None:
        first, second = whole["Statement"]
        first["Action"] += second["Action"]
        whole["Statement"] = [first]

    change(queue(d), join)


def admit_account(body: Document, action: str) -> None:
    """Add a statement that lets the account itself do something."""

    def alter(whole: Document) -> None:
        root = "arn:aws:iam::${data.aws_caller_identity.identity.account_id}:root"
        statement = {
            "Effect": "Allow",
            "Action": action,
            "Resource": whole["Statement"][0]["Resource"],
            "Principal": {"AWS": root},
        }
        whole["Statement"].append(statement)

    change(body, alter)


@hostile
def account_opens_queue(d: Document) -> None:
    admit_account(queue(d), "sqs:AddPermission")


@hostile
def account_moves_messages(d: Document) -> None:
    admit_account(queue(d), "sqs:StartMessageMoveTask")


@hostile
def account_protects_nothing(d: Document) -> None:
    admit_account(_of(d, "aws_sns_topic", "error_topic_topic"), "sns:PutDataProtectionPolicy")


@hostile
def index_without_count(d: Document) -> None:
    rights(d)["role"] = "${aws_iam_role.webhook_processor_role[0].id}"


@hostile
def second_instance(d: Document) -> None:
    role(d)["count"] = 1
    rights(d)["role"] = "${aws_iam_role.webhook_processor_role[1].id}"


@hostile
def counted_without_index(d: Document) -> None:
    role(d)["count"] = 1


@hostile
def counted_without_index_in_an_output(d: Document) -> None:
    stage = d["resource"]["aws_api_gateway_stage"]["ingress_stage"]
    text = json.dumps(d["resource"]).replace("_stage.ingress_stage.", "_stage.ingress_stage[0].")
    d["resource"] = json.loads(text)
    d["resource"]["aws_api_gateway_stage"]["ingress_stage"] = {**stage, "count": 1}


@hostile
def index_without_count_where_no_rule_looks(d: Document) -> None:
    role(d)["description"] = "of ${aws_kms_key.encryption_key[0].id}"


@hostile
def owner_replicates_key(d: Document) -> None:
    change(key(d), lambda w: w["Statement"][0]["Action"].append("kms:ReplicateKey"))


@hostile
def owner_uses_key_otherwise(d: Document) -> None:
    change(
        key(d),
        lambda w: w["Statement"].append(
            {
                **w["Statement"][1],
                "Action": "kms:ReEncryptFrom",
                "Condition": {"Bool": {"aws:SecureTransport": "true"}},
            }
        ),
    )


def retrust(d: Document, alter: Callable[[Document], object]) -> None:
    """Change the trust policy of the processor's role."""
    whole = json.loads(role(d)["assume_role_policy"])
    alter(whole)
    role(d)["assume_role_policy"] = json.dumps(whole)


def identify(body: Document, *sids: object) -> None:
    """Give the first statements of a resource's policy these ids."""

    def alter(whole: Document) -> None:
        for statement, sid in zip(whole["Statement"], sids, strict=False):
            statement["Sid"] = sid

    change(body, alter)


@hostile
def sid_empty(d: Document) -> None:
    identify(rights(d), "")


@hostile
def sid_null(d: Document) -> None:
    identify(rights(d), None)


@hostile
def sid_number(d: Document) -> None:
    identify(rights(d), 1)


@hostile
def sid_list(d: Document) -> None:
    identify(rights(d), ["Write"])


@hostile
def sid_blank(d: Document) -> None:
    identify(rights(d), "Write logs")


@hostile
def sid_hyphen(d: Document) -> None:
    identify(rights(d), "write-logs")


@hostile
def sid_line(d: Document) -> None:
    identify(rights(d), "WriteLogs\n")


@hostile
def sid_letter_beyond_ascii(d: Document) -> None:
    identify(rights(d), "Wr\u00efteLogs")


@hostile
def sid_digit_beyond_ascii(d: Document) -> None:
    identify(rights(d), "Write\u0663")


@hostile
def sid_of_the_suffix(d: Document) -> None:
    identify(rights(d), "Write${var.environmentSuffix}")


@hostile
def sid_twice(d: Document) -> None:
    identify(rights(d), "Same", "Same")


@hostile
def sid_twice_by_expression(d: Document) -> None:
    identify(rights(d), "Same", "Other")
    rights(d)["policy"] = rights(d)["policy"].replace("Other", '${join("", ["Sa", "me"])}')


@hostile
def sid_twice_in_jsonencode(d: Document) -> None:
    identify(rights(d), "Same", "Same")
    rights(d)["policy"] = f"${{jsonencode({rights(d)['policy']})}}"


@hostile
def sid_blank_in_trust(d: Document) -> None:
    retrust(d, lambda w: w["Statement"][0].update(Sid="Let Lambda"))


@hostile
def sid_twice_in_the_key(d: Document) -> None:
    identify(key(d), "Owner may", "Owner may")


@hostile
def sid_markup_in_the_key(d: Document) -> None:
    identify(key(d), "Owner: may")


@hostile
def sid_twice_in_a_queue(d: Document) -> None:
    identify(queue(d), "same", "same")


@hostile
def sid_blank_in_a_topic(d: Document) -> None:
    identify(_of(d, "aws_sns_topic", "error_topic_topic"), "a b")


@hostile
def id_list(d: Document) -> None:
    change(rights(d), lambda w: w.update(Id=["x"]))


@hostile
def action_and_not_action(d: Document) -> None:
    change(rights(d), lambda w: w["Statement"][0].update(NotAction=[]))


@hostile
def resource_and_not_resource(d: Document) -> None:
    change(rights(d), lambda w: w["Statement"][0].update(NotResource=[]))


@hostile
def blank_before_policy(d: Document) -> None:
    rights(d)["policy"] = " " + rights(d)["policy"]


@hostile
def line_before_trust(d: Document) -> None:
    role(d)["assume_role_policy"] = "\n" + role(d)["assume_role_policy"]


@hostile
def blank_before_policy_by_expression(d: Document) -> None:
    rights(d)["policy"] = '${join("", ["\\t"])}' + rights(d)["policy"]


@hostile
def mark_before_policy(d: Document) -> None:
    rights(d)["policy"] = "\ufeff" + rights(d)["policy"]


@hostile
def line_before_key_policy(d: Document) -> None:
    key(d)["policy"] = "\r\n" + key(d)["policy"]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda f: f.__name__)
def test_nothing_gets_past(attempt: Callable[[Document], None], pipeline: Pipeline) -> None:
    judgement = pipeline.altered(attempt)
    assert judgement.verdict is Verdict.VIOLATED, told(judgement)
