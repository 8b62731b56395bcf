"""The one customer-managed key: it encrypts the functions' environments and the topics."""

from __future__ import annotations

from stack import statements
from stack.bindings import Construct, KmsAlias, KmsKey
from stack.deployment import Deployment

# What Terraform calls to create, read, change and delete a key and its alias.
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)

# What identity policies of the account may hand out. Whoever deploys sets and reads back function
# environments: Lambda encrypts them and makes its grant with the caller's rights.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
_USE = ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")

# What a publisher to an encrypted topic needs.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
PUBLISHING = ("kms:Decrypt", "kms:GenerateDataKey")


class PipelineKey(Construct):
    """The key, its alias and its policy.

    The policy lists every action; it delegates to the account's identity policies (by which the
    functions' roles get their use of it) and lets CloudWatch alarms publish to encrypted topics.
    In a key policy the resource `*` means this key.
    """

    def __init__(self, scope: Construct, id_: str, deployment: Deployment) -> None:
        super().__init__(scope, id_)
        settings = deployment.settings
        owner = {"Principal": {"AWS": f"arn:aws:iam::{deployment.account}:root"}}
        alarms = statements.from_alarms(deployment.account, settings.project.region)
        self.key = KmsKey(
            self,
            "key",
            description=f"Function environments and topics of {settings.project.name}-"
            f"{deployment.suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=settings.key.deletion_window_days,
            policy=statements.document(
                statements.allow("OwnerAdministers", _ADMINISTRATION, ["*"], **owner),
                statements.allow("OwnerDelegatesUse", _USE, ["*"], **owner),
                statements.allow("AlarmsPublish", PUBLISHING, ["*"], **alarms),
            ),
            tags=deployment.tags,
        )
        KmsAlias(
            self,
            "alias",
            name=f"alias/{deployment.named(settings.key.alias)}",
            target_key_id=self.key.key_id,
        )

    @property
    def arn(self) -> str:
        """The key's ARN."""
        return str(self.key.arn)
