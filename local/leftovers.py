"""What a destroyed environment left behind, asked of every service that it had used.

Not asked of Terraform: its state forgets what it destroyed, and never knew what the functions or
AWS itself made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Leftovers:
    """`expected` tells of the key that AWS keeps for its deletion window; the rest is a fault."""

    expected: str
    unexpected: list[str]


def find(client: Callable[[str], Any], suffix: str, standing: Collection[str] = ()) -> Leftovers:
    """Everything whose name ends with the suffix, in the services that the stack uses.

    `standing` are the other environments: `table-a-b` belongs to `a-b`, not to `b`.
    """
    longer = tuple(f"-{other}" for other in standing if other.endswith(f"-{suffix}"))
    named = [
        name for name in _names(client) if name.endswith(f"-{suffix}") and not name.endswith(longer)
    ]
    pending, other = [], []
    kms = client("kms")
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            about = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if about["KeyManager"] != "CUSTOMER" or not _tagged(kms, key["KeyId"], suffix):
                continue
            if about["KeyState"] == "PendingDeletion":
                pending.append(key["KeyId"])
            else:
                other.append(f"key {key['KeyId']} ({about['KeyState']})")
    keys = f"{len(pending)} key{'s' * (len(pending) != 1)} pending deletion"
    return Leftovers(keys, sorted(named + other))


def _names(client: Callable[[str], Any]) -> Iterator[str]:
    """Kind and name of everything, whoever made it."""
    listed = (
        ("lambda", "list_functions", "Functions", "FunctionName", "function"),
        ("logs", "describe_log_groups", "logGroups", "logGroupName", "log group"),
        ("iam", "list_roles", "Roles", "RoleName", "role"),
        ("apigateway", "get_rest_apis", "items", "name", "API"),
        ("apigateway", "get_api_keys", "items", "name", "API key"),
        ("apigateway", "get_usage_plans", "items", "name", "usage plan"),
        ("kms", "list_aliases", "Aliases", "AliasName", "key alias"),
        ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", "alarm"),
        ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName", "dashboard"),
    )
    for service, operation, items, name, kind in listed:
        for page in client(service).get_paginator(operation).paginate():
            for item in page.get(items, ()):
                yield f"{kind} {item[name]}"
    for page in client("iam").get_paginator("list_policies").paginate(Scope="Local"):
        for policy in page["Policies"]:
            yield f"policy {policy['PolicyName']}"
    for page in client("dynamodb").get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            yield f"table {table}"
    for page in client("sqs").get_paginator("list_queues").paginate():
        for url in page.get("QueueUrls", ()):
            yield f"queue {url.rpartition('/')[2]}"
    for page in client("sns").get_paginator("list_topics").paginate():
        for topic in page["Topics"]:
            yield f"topic {topic['TopicArn'].rpartition(':')[2]}"
    for page in client("sns").get_paginator("list_subscriptions").paginate():
        for subscription in page["Subscriptions"]:
            yield f"subscription to {subscription['TopicArn'].rpartition(':')[2]}"
    for page in client("lambda").get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            yield f"stream mapping to {mapping['FunctionArn'].rpartition(':')[2]}"


def _tagged(kms: Any, key: str, suffix: str) -> bool:
    tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]}
    return tags.get("Environment") == suffix
