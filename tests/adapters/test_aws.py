"""The AWS clients: one a service, and which failed calls are worth repeating."""

from __future__ import annotations

import subprocess
import sys

import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError, ParamValidationError

from lambdas.adapters import aws
from tests.adapters.price_table import client_error


@pytest.mark.parametrize(
    ("error", "passing", "refusal"),
    [
        (client_error("ThrottlingException"), True, False),
        (client_error("RequestLimitExceeded"), True, False),
        (client_error("InternalServerError", 500), True, False),
        (client_error("Whatever", 503), True, False),
        (ConnectTimeoutError(endpoint_url="https://x"), True, False),
        (client_error("ValidationException"), False, True),
        (client_error("SerializationException"), False, True),
        (ParamValidationError(report="x"), False, True),
        (client_error("AccessDeniedException"), False, False),
        (client_error("ResourceNotFoundException"), False, False),
        (client_error("ExpiredTokenException"), False, False),
        (ValueError("not of AWS"), False, False),
    ],
    ids=lambda value: f"{type(value).__name__} {value}"[:60],
)
def test_what_a_failed_call_means(error: Exception, passing: bool, refusal: bool) -> None:
    assert (aws.is_passing(error), aws.is_refusal(error)) == (passing, refusal)


def test_an_error_without_an_answer_is_called_by_its_name() -> None:
    assert aws.error_code(NoCredentialsError()) == "NoCredentialsError"


def test_one_client_a_service_with_bounded_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN the region of Lambda's environment THEN calls are bounded by our time-outs."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    aws.client.cache_clear()
    client = aws.client("sqs")
    try:
        assert aws.client("sqs") is client
        assert client.meta.region_name == "eu-central-1"
        config = client.meta.config
        assert config.retries["total_max_attempts"] == aws.ATTEMPTS
        assert (config.connect_timeout, config.read_timeout) == (2, 5)
        assert aws.LONGEST_CALL_SECONDS >= aws.ATTEMPTS * 7
    finally:
        aws.client.cache_clear()


@pytest.mark.parametrize("handler", ["webhook_processor", "error_notifier"])
def test_a_cold_start_spends_at_most_40_ms_on_our_code(handler: str) -> None:
    """GIVEN botocore, which every function needs WHEN the handler is imported THEN what that adds
    stays within the budget, and boto3 is not among it.
    """
    program = (
        "import sys, time, botocore.session, botocore.config, botocore.exceptions\n"
        "started = time.process_time()\n"
        f"import lambdas.{handler}.handler\n"
        "print((time.process_time() - started) * 1000)\n"
        "assert 'boto3' not in sys.modules\n"
    )
    for _ in range(8):  # a busy machine may be slow seven times; our code is not
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        if float(run.stdout) <= 40:
            return
    raise AssertionError(f"eight imports took more than 40 ms each, the last {run.stdout} ms")
