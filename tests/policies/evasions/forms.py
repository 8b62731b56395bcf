"""Blocks, keys, texts and files by which a document says other than it seems to say."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.policies.documents import Alteration, Document, first, only

GROUP, TABLE, QUEUE = "aws_cloudwatch_log_group", "aws_dynamodb_table", "aws_sqs_queue"
USER: Document = {"aws_iam_user": {"x": {"name": "x-${var.environmentSuffix}"}}}


def top(**blocks: Any) -> Alteration:
    """Put blocks beside those of the stack."""
    return lambda d: d.update(blocks)


def terraform(**values: Any) -> Alteration:
    return lambda d: d["terraform"].update(values)


def provider(**values: Any) -> Alteration:
    return lambda d: d["provider"]["aws"][0].update(values)


def required(**values: Any) -> Alteration:
    return lambda d: d["terraform"]["required_providers"]["aws"].update(values)


def local_state(**values: Any) -> Alteration:
    return lambda d: d["terraform"]["backend"]["local"].update(values)


def backend(**kinds: Any) -> Alteration:
    return lambda d: d["terraform"].update(backend=kinds)


def suffix(**values: Any) -> Alteration:
    return lambda d: d["variable"]["environmentSuffix"].update(values)


def secrets(**values: Any) -> Alteration:
    return lambda d: d["variable"]["webhook_secrets"].update(values)


def output(**values: Any) -> Alteration:
    return lambda d: d["output"]["table_name"].update(values)


S3 = {
    "bucket": "b",
    "key": "crypto-prices-dev.tfstate",
    "region": "us-east-1",
    "encrypt": True,
    "use_lockfile": True,
}

BLOCKS: dict[str, Alteration] = {
    "a module": top(module={"x": {"source": "./x"}}),
    "a module of none": top(module={"x": {"source": "./x", "count": 0}}),
    "a module of null": top(module=None),
    "modules in a list": top(module=[{"x": {"source": "./x"}}]),
    "an import": top(**{"import": [{"to": "aws_sqs_queue.x", "id": "x"}]}),
    "an import of many": top(**{"import": {"for_each": {}, "to": "a.b", "id": "x"}}),
    "a move": top(moved={"from": "aws_sqs_queue.a", "to": "aws_sqs_queue.b"}),
    "a removal": top(removed={"from": "aws_sqs_queue.a", "lifecycle": {"destroy": False}}),
    "a check": top(check={"x": {"assert": {"condition": "${true}", "error_message": "x"}}}),
    "a check with data": top(check={"x": {"data": {"http": {"y": {"url": "http://example.com"}}}}}),
    "an ephemeral value": top(ephemeral={"random_password": {"x": {"length": 8}}}),
    "an action": top(action={"aws_lambda_invoke": {"x": {"config": {}}}}),
    "a list of resources": top(list={"aws_instance": {"x": {}}}),
    "a query": top(query={}),
    "locals": top(locals={"x": 1}),
    "locals in a list": top(locals=[{"x": 1}, {"y": 2}]),
    "local": top(local={"x": 1}),
    "a component": top(component={"x": {}}),
    "a deployment": top(deployment={"x": {}}),
    "an identity": top(identity_token={"aws": {"audience": ["x"]}}),
    "a store": top(store={"x": {}}),
    "a provider's function": top(function={"x": {}}),
    "a test": top(run={"x": {"command": "apply"}}),
    "mocks": top(mock_provider={"aws": {}}),
    "an override": top(override_resource={"target": "aws_sqs_queue.x"}),
    "an unknown block": top(unknown={}),
    "an unknown block of null": top(unknown=None),
    "an unknown block of text": top(unknown="x"),
    "a block in capitals": top(Resource=USER),
    "a block with a blank": lambda d: d.update({"resource ": USER}),
    "a block of another letter": lambda d: d.update({"res\u043eurce": USER}),
    "a block without width": lambda d: d.update({"resource\u200b": USER}),
    "nothing's block": lambda d: d.update({"": USER}),
    "a Terraform of one's own": terraform(required_version=">= 1.0"),
    "the cloud": terraform(cloud={"organization": "x", "workspaces": {"name": "y"}}),
    "the cloud of null": terraform(cloud=None),
    "experiments": terraform(experiments=["module_variable_optional_attrs"]),
    "data of a provider": terraform(provider_meta={"aws": {"user_agent": ["x"]}}),
    "encryption": terraform(encryption={"method": {}}),
    "a language": terraform(language="TF2027"),
    "two settings": lambda d: d.update(terraform=[d["terraform"], {"cloud": {}}]),
    "settings of text": top(terraform="x"),
    "no settings": lambda d: d.pop("terraform"),
    "settings of null": top(terraform=None),
    "settings of two backends": lambda d: d.update(
        terraform=[d["terraform"], {"backend": {"s3": S3}}]
    ),
    "another provider's source": required(source="hashicorp/aws-evil"),
    "a source of another host": required(source="registry.example.com/hashicorp/aws"),
    "a source with a blank": required(source="hashicorp/aws "),
    "a source of another letter": required(source="h\u0430shicorp/aws"),
    "a source of another width": required(source="hashicorp\uff0faws"),
    "a source of null": required(source=None),
    "a source of the old kind": required(source="-/aws"),
    "a source built in": required(source="terraform.io/builtin/aws"),
    "a source by expression": required(source='${"evil"}/aws'),
    "aliases": required(configuration_aliases=["aws.west"]),
    "any version": required(version=None),
    "a newer version": required(version=">= 5.100.0"),
    "nearly the version": required(version="~> 5.100.0"),
    "not the version": required(version="!= 5.100.0"),
    "a version before": required(version="5.100.0-beta1"),
    "a version of two": required(version="5.100.0,5.99.0"),
    "a version of a list": required(version=["5.100.0"]),
    "a version of a number": required(version=5.1),
    "a version with two signs": required(version="==5.100.0"),
    "a version in other digits": required(version="5.100.\uff10"),
    "a second provider": lambda d: d["terraform"]["required_providers"].update(
        null={"source": "hashicorp/null"}
    ),
    "a provider under another name": lambda d: d["terraform"].update(
        required_providers={"amazon": {"source": "hashicorp/aws", "version": "5.100.0"}}
    ),
    "providers in two places": lambda d: d["terraform"].update(
        required_providers=[d["terraform"]["required_providers"], {"evil": {"source": "evil/evil"}}]
    ),
    "no required provider": lambda d: d["terraform"].pop("required_providers"),
    "providers of text": terraform(required_providers="aws"),
    "a provider of another region": provider(region="us-west-1"),
    "a provider of another region, in capitals": provider(region="US-EAST-1"),
    "a provider of a region with a blank": provider(region="us-east-1 "),
    "a provider of a region of another hyphen": provider(region="us\u2010east\u20101"),
    "a provider of no region": lambda d: d["provider"]["aws"][0].pop("region"),
    "a provider of a variable's region": provider(region="${var.region}"),
    "a provider of a choice": provider(region='${true ? "eu-west-1" : "us-east-1"}'),
    "a provider of the suffix' region": provider(region="us-east-${var.environmentSuffix}"),
    "keys": provider(access_key="AKIAEXAMPLE", secret_key="x"),
    "a token": provider(token="x"),
    "a profile": provider(profile="other"),
    "credentials elsewhere": provider(shared_credentials_files=["/tmp/x"]),
    "configuration elsewhere": provider(shared_config_files=["/tmp/x"]),
    "a role": provider(assume_role={"role_arn": "arn:aws:iam::111122223333:role/x"}),
    "roles": provider(assume_role=[{"role_arn": "x"}, {"role_arn": "y"}]),
    "a role of the web": provider(assume_role_with_web_identity={"role_arn": "x"}),
    "a role by a dynamic block": provider(
        dynamic={"assume_role": {"for_each": [1], "content": {"role_arn": "x"}}}
    ),
    "endpoints": provider(endpoints={"sqs": "https://example.com"}),
    "endpoints by a dynamic block": provider(
        dynamic=[{"endpoints": {"for_each": ["x"], "content": {"sqs": "https://example.com"}}}]
    ),
    "endpoints of an open dynamic block": provider(
        dynamic={
            "endpoints": {"for_each": "${var.endpoints}", "content": {"sqs": "https://example.com"}}
        }
    ),
    "no checks of credentials": provider(skip_credentials_validation=True),
    "no check of the account": provider(skip_requesting_account_id=True),
    "no check of the region": provider(skip_region_validation=True),
    "no check of certificates": provider(insecure=True),
    "a proxy": provider(http_proxy="http://example.com"),
    "authorities": provider(custom_ca_bundle="/tmp/x.pem"),
    "other accounts": provider(allowed_account_ids=["111122223333"]),
    "tags of all": provider(default_tags={"tags": {"Owner": "x"}}),
    "tags ignored": provider(ignore_tags={"keys": ["Environment"]}),
    "a service by its use": provider(sts_region="eu-west-1"),
    "an alias": provider(alias="west"),
    "an alias besides": lambda d: d["provider"]["aws"].append(
        {"alias": "w", "region": "eu-west-1"}
    ),
    "a provider twice": lambda d: d["provider"]["aws"].append({"region": "us-east-1"}),
    "a provider in other letters": lambda d: d["provider"].update(AWS=[{"region": "eu-west-1"}]),
    "another provider": lambda d: d["provider"].update(external={}),
    "a provider for each": provider(for_each={"a": "eu-west-1"}),
    "a provider of null": lambda d: d["provider"].update(aws=None),
    "a provider of none": lambda d: d["provider"].update(aws=[]),
    "no provider": lambda d: d.pop("provider"),
    "state elsewhere": local_state(path="/tmp/terraform.crypto-prices-dev.tfstate"),
    "state of another environment": local_state(
        path="../../../terraform.crypto-prices-prod.tfstate"
    ),
    "state by a detour": local_state(path="../../.././terraform.crypto-prices-dev.tfstate"),
    "state of workspaces": local_state(workspace_dir="/tmp"),
    "state by expression": local_state(path='../../../terraform.crypto-prices-${"dev"}.tfstate'),
    "state of null": local_state(path=None),
    "state over HTTP": backend(http={"address": "https://example.com"}),
    "state in Consul": backend(consul={"path": "x"}),
    "state in Kubernetes": backend(kubernetes={"secret_suffix": "x"}),
    "state in Azure": backend(azurerm={}),
    "state remotely": backend(remote={"organization": "x"}),
    "state in memory": backend(inmem={}),
    "state of an unknown kind": backend(x={}),
    "state of two kinds": backend(local={}, s3=S3),
    "state of one kind twice": backend(s3=[S3, S3]),
    "state of no kind": backend(),
    "state of text": terraform(backend="local"),
    "state in the clear": backend(s3={**S3, "encrypt": False}),
    "state in the clear by text": backend(s3={**S3, "encrypt": "no"}),
    "state of another region": backend(s3={**S3, "region": "eu-west-1"}),
    "state of another suffix": backend(s3={**S3, "key": "crypto-prices-prod.tfstate"}),
    "state of a suffix that ends so": backend(s3={**S3, "key": "crypto-pricesdev.tfstate"}),
    "state with keys": backend(s3={**S3, "access_key": "x"}),
    "state by another endpoint": backend(s3={**S3, "endpoints": {"s3": "https://example.com"}}),
    "state by a role": backend(s3={**S3, "assume_role": {"role_arn": "x"}}),
    "state by a profile": backend(s3={**S3, "profile": "x"}),
    "state for all to read": backend(s3={**S3, "acl": "public-read"}),
    "state with a prefix": backend(s3={**S3, "workspace_key_prefix": "x"}),
    "state with a key of its own": backend(s3={**S3, "sse_customer_key": "x"}),
    "state in somebody's bucket": backend(s3=S3),
    "a suffix of capitals": suffix(default="DEV"),
    "a suffix with a line": suffix(default="dev\n"),
    "a suffix of nothing": suffix(default=""),
    "a suffix of null": suffix(default=None),
    "a suffix of a number": suffix(default=7),
    "a suffix too long": suffix(default="a" * 17),
    "a suffix of hyphens": suffix(default="-dev-"),
    "a suffix of another script": suffix(default="d\u0435v"),
    "a suffix that may be null": suffix(nullable=True),
    "a suffix of any type": suffix(type="any"),
    "a suffix of a list": suffix(type="list(string)"),
    "a suffix that is hidden": suffix(sensitive=True),
    "a suffix that passes": suffix(ephemeral=True),
    "a suffix without validation": suffix(validation=[]),
    "a suffix with an open validation": suffix(
        validation={"condition": "${true}", "error_message": "x"}
    ),
    "a suffix with a loose validation": suffix(
        validation={
            "condition": '${can(regex("dev", var.environmentSuffix))}',
            "error_message": "x",
        }
    ),
    "a suffix with a validation or more": suffix(
        validation={"condition": '${var.environmentSuffix == "dev" || true}', "error_message": "x"}
    ),
    "a suffix with a validation in brackets": suffix(
        validation=[[{"condition": '${var.environmentSuffix == "dev"}', "error_message": "x"}]]
    ),
    "a suffix with another's validation": suffix(
        validation={"condition": '${var.environmentSuffix == "prod"}', "error_message": "x"}
    ),
    "a suffix with a comment in the validation": suffix(
        validation={
            "condition": '${var.environmentSuffix == "dev" /* */ || true}',
            "error_message": "x",
        }
    ),
    "a suffix with a validation by file": suffix(
        validation=[
            {"condition": '${var.environmentSuffix == "dev"}', "error_message": "x"},
            {
                "condition": '${fileexists("x") || var.environmentSuffix != ""}',
                "error_message": "x",
            },
        ]
    ),
    "a suffix twice": lambda d: d["variable"].update(
        environmentSuffix=[d["variable"]["environmentSuffix"], {"default": "prod"}]
    ),
    "secrets with a default": secrets(default="{}"),
    "secrets with a default of nothing": secrets(default=""),
    "secrets shown": secrets(sensitive=False),
    "secrets shown by text": secrets(sensitive="0"),
    "secrets shown by null": secrets(sensitive=None),
    "secrets that may be null": secrets(nullable="true"),
    "secrets of any type": secrets(type="any"),
    "secrets that pass": secrets(ephemeral=True),
    "secrets in a message": secrets(
        validation={
            "condition": '${var.webhook_secrets != ""}',
            "error_message": "${var.webhook_secrets}",
        }
    ),
    "secrets in a message by a directive": secrets(
        validation={
            "condition": '${var.webhook_secrets != ""}',
            "error_message": "%{ if true }${var.webhook_secrets}%{ endif }",
        }
    ),
    "secrets by another's validation": secrets(
        validation={"condition": '${var.environmentSuffix != ""}', "error_message": "x"}
    ),
    "secrets by data": secrets(
        validation={
            "condition": "${data.aws_caller_identity.identity.id != var.webhook_secrets}",
            "error_message": "x",
        }
    ),
    "secrets described": secrets(description="${var.webhook_secrets}"),
    "a third variable": lambda d: d["variable"].update(x={}),
    "a third variable in capitals": lambda d: d["variable"].update(ENVIRONMENTSUFFIX={}),
    "a third variable of a comment's name": lambda d: d["variable"].update({"///": {}}),
    "no secrets": lambda d: d["variable"].pop("webhook_secrets"),
    "an output more": lambda d: d["output"].update(x={"value": 1}),
    "an output less": lambda d: d["output"].pop("webhook_url"),
    "an output of another": output(value="${aws_sns_topic.error_topic_topic.name}"),
    "an output of the secrets": output(value="${var.webhook_secrets}", sensitive=True),
    "an output that passes": output(ephemeral=True),
    "an output that waits": output(depends_on=["aws_kms_key.encryption_key"]),
    "an output with a condition": output(
        precondition={"condition": "${true}", "error_message": "x"}
    ),
    "an output of a list": output(value=["${aws_dynamodb_table.storage_table.name}"]),
    "an output of null": output(value=None),
    "data of others": lambda d: d["data"].update(aws_ssm_parameter={"x": {"name": "x"}}),
    "data of a program": lambda d: d["data"].update(external={"x": {"program": ["id"]}}),
    "data of the web": lambda d: d["data"].update(http={"x": {"url": "http://example.com"}}),
    "data of a state": lambda d: d["data"].update(terraform_remote_state={"x": {}}),
    "data of policies": lambda d: d["data"].update(aws_iam_policy_document={"x": {}}),
    "data with a condition": lambda d: d["data"]["aws_caller_identity"]["identity"].update(
        lifecycle={"postcondition": {"condition": "${true}", "error_message": "x"}}
    ),
    "data of another provider": lambda d: d["data"]["aws_caller_identity"]["identity"].update(
        provider="aws.other"
    ),
    "data of nobody": lambda d: d["data"]["aws_caller_identity"]["identity"].update(count=0),
    "no data": lambda d: d.pop("data"),
    "resources of null": top(resource=None),
    "resources in a list with another": lambda d: d.update(resource=[d["resource"], USER]),
    "resources in lists of lists": lambda d: d.update(resource=[[d["resource"]], [USER]]),
    "a resource in two places": lambda d: d.update(
        resource=[d["resource"], {TABLE: {"storage_table": {"billing_mode": "PROVISIONED"}}}]
    ),
    "a resource of two bodies": lambda d: d["resource"][TABLE].update(
        storage_table=[only(d, TABLE), {"billing_mode": "PROVISIONED"}]
    ),
    "a resource of a body in parts": lambda d: d["resource"][TABLE].update(
        storage_table=[[only(d, TABLE), {"deletion_protection_enabled": True}]]
    ),
    "a resource of a body with null": lambda d: d["resource"][TABLE].update(
        storage_table=[only(d, TABLE), None]
    ),
    "a resource of text": lambda d: d["resource"][TABLE].update(storage_table="x"),
    "a resource of a number": lambda d: d["resource"][TABLE].update(storage_table=1),
    "a type of a list": lambda d: d["resource"].update(
        {TABLE: [d["resource"][TABLE], {"second": only(d, TABLE)}]}
    ),
    "a type of text": lambda d: d["resource"].update({TABLE: "x"}),
    "a type in capitals": lambda d: d["resource"].update(AWS_SQS_QUEUE=d["resource"][QUEUE]),
    "a type with a blank": lambda d: d["resource"].update({f"{QUEUE} ": d["resource"].pop(QUEUE)}),
    "a type of another provider": lambda d: d["resource"].update(awscc_sqs_queue={"x": {}}),
    "a name that hides": lambda d: d["resource"][QUEUE].update({"//": {"name": "x"}}),
    "a name of an expression": lambda d: d["resource"][QUEUE].update({"${x}": first(d, QUEUE)}),
    "a comment that hides": lambda d: first(d, GROUP).update(
        {"//": {"retention_in_days": 3}, "retention_in_days": 30}
    ),
    "an attribute with a blank": lambda d: first(d, GROUP).update(
        {"retention_in_days ": 3, "retention_in_days": 30}
    ),
    "an attribute in capitals": lambda d: first(d, GROUP).update(Retention_In_Days=30),
    "an attribute of another letter": lambda d: first(d, GROUP).update({"n\u0430me": "x"}),
    "an attribute of an expression": lambda d: first(d, GROUP).update(
        {'${"retention_in_days"}': 30}
    ),
    "an attribute of nothing": lambda d: first(d, GROUP).update({"": 30}),
    "an attribute of false": lambda d: first(d, GROUP).update(kms_key_id=False),
    "an attribute of an object": lambda d: first(d, GROUP).update(kms_key_id={}),
    "a dynamic block of text": lambda d: only(d, TABLE).update(dynamic="x"),
    "a dynamic block of a list of text": lambda d: only(d, TABLE).update(dynamic=["x"]),
    "a dynamic block without content": lambda d: only(d, TABLE).update(
        dynamic={"replica": {"for_each": [1]}}
    ),
    "a dynamic block with two contents": lambda d: only(d, TABLE).update(
        dynamic={"replica": {"for_each": [1], "content": [{"region_name": "x"}, {}]}}
    ),
    "a dynamic block with labels": lambda d: only(d, TABLE).update(
        dynamic={"replica": {"for_each": [1], "labels": ["x"], "content": {}}}
    ),
    "a dynamic block by a number": lambda d: only(d, TABLE).update(
        dynamic={"replica": {"for_each": 1, "content": {}}}
    ),
    "a dynamic block by the suffix": lambda d: only(d, TABLE).update(
        dynamic={
            "replica": {
                "for_each": ["${var.environmentSuffix}"],
                "content": {"region_name": "eu-west-1"},
            }
        }
    ),
    "a dynamic block of attributes": lambda d: first(d, GROUP).update(
        retention_in_days=None, dynamic={"retention_in_days": {"for_each": [3], "content": {}}}
    ),
    "a dynamic block with an odd iterator": lambda d: only(d, TABLE).update(
        dynamic={"replica": {"for_each": [1], "iterator": ["x"], "content": {}}}
    ),
    "a dynamic block deep within": lambda d: only(d, TABLE).update(
        point_in_time_recovery={"enabled": True, "dynamic": {"x": {"for_each": [1], "content": {}}}}
    ),
}


GOOD_QUEUE = '"message_retention_seconds": 345600'
TEXTS: dict[str, Callable[[str], str | bytes]] = {
    "a mark at the beginning": lambda t: "\ufeff" + t,
    "UTF-16": lambda t: t.encode("utf-16"),
    "UTF-32": lambda t: t.encode("utf-32"),
    "Latin-1": lambda t: t.replace("dev", "d\u00e9v", 1).encode("latin-1"),
    "overlong letters": lambda t: t.encode().replace(b"us-east-1", b"us\xc0\xaeeast-1", 1),
    "half a pair in CESU-8": lambda t: t.encode().replace(b"PAY_PER", b"\xed\xa0\x80PAY_PER", 1),
    "nothing within": lambda t: t.replace("PAY_PER", "PAY\0_PER", 1),
    "nothing behind": lambda t: t + "\0",
    "two documents": lambda t: t + t,
    "two documents on lines": lambda t: t + "\n" + json.dumps({"resource": USER}),
    "a list of two": lambda t: f"[{t}, {json.dumps({'resource': USER})}]",
    "a list in a list": lambda t: f"[[{t}]]",
    "a comment": lambda t: "// x\n" + t,
    "a comment of many lines": lambda t: "/* x */" + t,
    "a comment of HCL": lambda t: "# x\n" + t,
    "HCL": lambda t: 'resource "aws_iam_user" "x" {}',
    "a comma at the end": lambda t: t[:-1] + ",}",
    "single quotes": lambda t: t.replace('"', "'"),
    "a key without quotes": lambda t: t.replace('"resource"', "resource", 1),
    "a number of hexadecimal digits": lambda t: t.replace(GOOD_QUEUE, GOOD_QUEUE[:-6] + "0x54600"),
    "a number with a zero before": lambda t: t.replace("345600", "0345600"),
    "a number with a plus": lambda t: t.replace("345600", "+345600"),
    "a number with a point": lambda t: t.replace("345600", "345600."),
    "a number that is none": lambda t: t.replace("345600", "NaN"),
    "infinity": lambda t: t.replace("345600", "Infinity"),
    "less than infinity": lambda t: t.replace("345600", "-Infinity"),
    "more than a float holds": lambda t: t.replace("345600", "1e400"),
    "less than a float holds": lambda t: t.replace("345600", "345600e-99999999999999999999"),
    "digits that a float drops": lambda t: t.replace("345600", "345600.00000000000000001"),
    "five thousand digits": lambda t: t.replace("345600", "9" * 5000),
    "five thousand zeros": lambda t: t.replace("345600", "345600." + "0" * 5000 + "1"),
    "the other truth": lambda t: t.replace(": true", ": True"),
    "a key twice": lambda t: t.replace(
        GOOD_QUEUE, '"message_retention_seconds": 60, ' + GOOD_QUEUE, 1
    ),
    "a key twice, once escaped": lambda t: t.replace(
        GOOD_QUEUE, '"message_retention_second\\u0073": 60, ' + GOOD_QUEUE, 1
    ),
    "a block twice": lambda t: t[:-1] + ', "resource": ' + json.dumps(USER) + "}",
    "a type twice": lambda t: t.replace('"aws_kms_key": {', '"aws_kms_key": {}, "aws_kms_key": {'),
    "a comment twice": lambda t: t[:-1] + ', "//": 1, "//": 2}',
    "deeper than any": lambda t: t[:-1] + ', "//": ' + "[" * 300 + "]" * 300 + "}",
    "deeper than a stack": lambda t: "[" * 200_000,
    "larger than any": lambda t: t + " " * 21_000_000,
    "nothing": lambda t: "",
    "blanks": lambda t: "  \n",
    "half of it": lambda t: t[: len(t) // 2],
    "without its end": lambda t: t[:-1],
    "a text": lambda t: json.dumps(t),
    "a text of a text": lambda t: json.dumps(json.dumps(t)),
}


def written(name: str, content: str = "{}") -> Callable[[Path], object]:
    def plant(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    return plant


OVERRIDE = json.dumps({"resource": {TABLE: {"storage_table": {"billing_mode": "PROVISIONED"}}}})
HCL = 'resource "aws_dynamodb_table" "storage_table" { billing_mode = "PROVISIONED" }'


def linked(name: str, target: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).symlink_to(target)


def replaced_by_link(folder: Path) -> None:
    (folder / "cdk.tf.json").rename(folder.parent / "elsewhere.json")
    (folder / "cdk.tf.json").symlink_to(folder.parent / "elsewhere.json")


def replaced_by_folder(folder: Path) -> None:
    (folder / "cdk.tf.json").unlink()
    (folder / "cdk.tf.json").mkdir()


def replaced_by_pipe(folder: Path) -> None:
    (folder / "cdk.tf.json").unlink()
    os.mkfifo(folder / "cdk.tf.json")


def split_in_two(folder: Path) -> None:
    """Move a part of the document into a file whose name says nothing."""
    document = json.loads((folder / "cdk.tf.json").read_text())
    part = {"resource": {TABLE: document["resource"].pop(TABLE)}}
    (folder / "cdk.tf.json").write_text(json.dumps(document))
    (folder / "part.tf.json").write_text(json.dumps(part))


def without_packages(folder: Path) -> None:
    for package in (folder / "assets").iterdir():
        package.unlink()


def with_empty_packages(folder: Path) -> None:
    for package in (folder / "assets").iterdir():
        package.write_bytes(b"")


def renamed(folder: Path) -> None:
    (folder / "cdk.tf.json").rename(folder / "main.tf.json")


FILES: dict[str, Callable[[Path], object]] = {
    **{
        f"an override called {name}": written(name, OVERRIDE)
        for name in (
            "override.tf.json",
            "_override.tf.json",
            "x_override.tf.json",
            "cdk_override.tf.json",
            "tfstate_override.tf.json",
            "terraform.tfstate_override.tf.json",
            "plan_override.tf.json",
            ".x_override.tf.json",
            "x.y_override.tf.json",
        )
    },
    **{
        f"HCL called {name}": written(name, HCL)
        for name in (
            "override.tf",
            "x_override.tf",
            "x.tf",
            ".x.tf",
            "x.tofu",
            "x_override.tofu",
            "tfstate.tf",
            "plan.tf",
        )
    },
    **{
        f"values called {name}": written(name, 'environmentSuffix = "prod"')
        for name in (
            "terraform.tfvars",
            "x.auto.tfvars",
            "a.tfvars",
            "tfstate.auto.tfvars",
        )
    },
    **{
        f"a file called {name}": written(name)
        for name in (
            "more.tf.json",
            "x.tofu.json",
            "override.tofu.json",
            "terraform.tfvars.json",
            "x.auto.tfvars.json",
            "x.tftest.json",
            "x.tftest.hcl",
            "x.tfquery.hcl",
            "x.tfmock.hcl",
            "tests/x.tftest.hcl",
            "modules/x/main.tf",
            "terraform.rc",
            ".terraformrc",
            ".tofurc",
            "backend.hcl",
            "cdktf.json",
            "manifest.json",
            ".checkov.yaml",
            ".checkov.yml",
            ".checkov.baseline",
            "Makefile",
            ".envrc",
            ".env",
            "plan.json",
            "tfplan",
            "x.zip",
            "terraform.tfstate.d/x/terraform.tfstate",
            "assets/x.zip",
            "assets/x/y.py",
            "assets/.hidden",
            ".git/config",
            "plan/x.tf.json",
            ".terraformignore",
            "cdk.tf.json~",
            "cdk.tf.json.bak",
            "CDK.TF.JSON",
            "cdk.tf.json ",
            " cdk.tf.json",
            "x.tf.json\n",
        )
    },
    "another workspace": written(".terraform/environment", "prod"),
    "another workspace by a blank": written(".terraform/environment", "default prod"),
    "a link to values": linked("terraform.tfvars", "/dev/null"),
    "a link to nowhere": linked("x.tf.json", "nowhere"),
    "a link to a folder": linked("more", "/tmp"),
    "a link in the assets": linked("assets/x.zip", "error_notifier.zip"),
    "a link for the document": replaced_by_link,
    "a folder for the document": replaced_by_folder,
    "a pipe for the document": replaced_by_pipe,
    "a part in another file": split_in_two,
    "another name for the document": renamed,
    "no assets": without_packages,
    "empty assets": with_empty_packages,
}

EVASIONS = BLOCKS
