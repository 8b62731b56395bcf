"""The look before a deployment: what is short is said, with how to get it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from client import preflight
from stack import settings as pipeline_settings

SETTINGS = pipeline_settings.load()
NEEDED = sum(function.reserved_concurrency for function in SETTINGS.functions.values())


class Account:
    """An AWS account with a concurrency quota and some functions that hold part of it."""

    def __init__(self, total: int, held: dict[str, int]) -> None:
        self.total, self.held = total, held

    def __call__(self, service: str) -> Account:
        assert service == "lambda"
        return self

    def get_account_settings(self) -> dict[str, Any]:
        unreserved = self.total - sum(self.held.values())
        limit = {"ConcurrentExecutions": self.total, "UnreservedConcurrentExecutions": unreserved}
        return {"AccountLimit": limit}

    def get_function_concurrency(self, FunctionName: str) -> dict[str, int]:  # noqa: N803
        if FunctionName not in self.held:
            error = {"Error": {"Code": "ResourceNotFoundException", "Message": FunctionName}}
            raise ClientError(error, "GetFunctionConcurrency")
        return {"ReservedConcurrentExecutions": self.held[FunctionName]}


@pytest.mark.parametrize("total", [1000, 100 + NEEDED])
def test_enough_concurrency_is_said_with_its_figures(total: int) -> None:
    found = preflight.concurrency(SETTINGS, "dev", Account(total, {}))
    assert found == f"{NEEDED} to reserve, {total} of {total} free"


@pytest.mark.parametrize("total", [10, 50, 99 + NEEDED])
def test_a_small_quota_is_short_and_the_quota_to_ask_for_is_named(total: int) -> None:
    """GIVEN a new account (10) or one a single execution short THEN nothing may be reserved."""
    with pytest.raises(preflight.Short, match=f"at least {NEEDED + 100}"):
        preflight.concurrency(SETTINGS, "dev", Account(total, {}))


def test_what_the_deployment_already_holds_counts_as_free() -> None:
    held = {"webhook-processor-dev": 10, "price-enricher-dev": 5, "error-notifier-dev": 1}
    account = Account(100 + NEEDED, held)
    assert "to reserve" in preflight.concurrency(SETTINGS, "dev", account)
    with pytest.raises(preflight.Short):
        preflight.concurrency(SETTINGS, "other", account)


def test_no_credentials_is_short() -> None:
    class Nobody:
        def __call__(self, service: str) -> Nobody:
            return self

        def get_caller_identity(self) -> None:
            raise NoCredentialsError

    with pytest.raises(preflight.Short, match="Sign in"):
        preflight.identity(Nobody(), {})


def test_another_endpoint_than_aws_is_said() -> None:
    class Caller:
        def __call__(self, service: str) -> Caller:
            return self

        def get_caller_identity(self) -> dict[str, str]:
            return {"Arn": "arn:aws:iam::123456789012:user/deployer", "Account": "123456789012"}

    assert "not at AWS" in preflight.identity(Caller(), {"AWS_ENDPOINT_URL": "http://localhost:1"})
    assert "not at AWS" not in preflight.identity(Caller(), {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "is not set"),
        ("{", "not valid JSON"),
        ("[]", "expected an object of venues"),
        ("{}", "names no venue"),
        ('{"binence": {"scheme": "none"}}', "no such venue"),
        ('{"binance": {"scheme": "standard"}}', "expected as scheme one of"),
        ('{"binance": {"secrets": []}}', "binance"),
        ('{"binance": {"scheme": "none"}}'.ljust(3_001), "3001 characters, .* room for 3000"),
    ],
)
def test_missing_or_broken_secrets_are_short(value: str, expected: str) -> None:
    """GIVEN an entry that would stop the function for every venue THEN it is found before."""
    with pytest.raises(preflight.Short, match=expected):
        preflight.secrets({preflight.SECRETS_VARIABLE: value})


def test_secrets_are_never_printed() -> None:
    text = '{"binance": {"scheme": "standard-webhooks", "secrets": ["whsec_c2VjcmV0"]}}'
    assert preflight.secrets({preflight.SECRETS_VARIABLE: text}) == "binance"


def test_a_state_that_would_end_with_the_ci_job_is_short() -> None:
    """GIVEN a CI job WHEN the state is a local file THEN nothing is deployed that it would lose."""
    assert "terraform.crypto-prices-dev.tfstate" in preflight.state(SETTINGS, "dev", {})
    assert preflight.state(SETTINGS, "dev", {"CI": "false"})
    assert preflight.state(SETTINGS, "dev", {"CI": "true", "AWS_ENDPOINT_URL": "http://localhost"})
    with pytest.raises(preflight.Short, match="s3_bucket"):
        preflight.state(SETTINGS, "dev", {"CI": "true"})
    kept = dataclasses.replace(SETTINGS.state, s3_bucket="prices-state")
    remote = dataclasses.replace(SETTINGS, state=kept)
    found = preflight.state(remote, "dev", {"CI": "true"})
    assert found == "s3://prices-state/crypto-prices/dev.tfstate"


def test_a_lock_file_in_s3_takes_a_newer_terraform(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "terraform"
    command.write_text('#!/bin/sh\necho \'{"terraform_version": "1.9.8"}\'\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    kept = dataclasses.replace(SETTINGS.state, s3_bucket="prices-state")
    remote = dataclasses.replace(SETTINGS, state=kept)
    for settings, short in [(SETTINGS, False), (remote, True)]:
        (title, check), *_ = preflight.checks(settings, "dev", Account(1000, {}), {})
        assert title == "Terraform"
        if short:
            with pytest.raises(preflight.Short, match=r"1\.10 or newer"):
                check()
        else:
            assert check() == "1.9.8"


def test_no_terraform_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(preflight.Short, match="not on the PATH"):
        preflight.terraform_version()


@pytest.mark.parametrize(
    ("answer", "short"), [("1.4.9", True), ("1.5.0", False), ("2.0.0-rc1", False)]
)
def test_terraform_must_be_new_enough(
    answer: str, short: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "terraform"
    command.write_text(f'#!/bin/sh\necho \'{{"terraform_version": "{answer}"}}\'\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if short:
        with pytest.raises(preflight.Short, match="too old"):
            preflight.terraform_version()
    else:
        assert preflight.terraform_version() == answer
