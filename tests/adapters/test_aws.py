"""The AWS clients: one a service, and which failed calls are worth repeating."""

from __future__ import annotations

import subprocess
import sys

import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError

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
def test_a_cold_start_spends_little_on_our_code(handler: str) -> None:
    """GIVEN botocore, which every function needs WHEN the handler is imported THEN that adds at
    most two fifths, and boto3 is not among it.

    The budget is 40 ms on a machine that imports botocore in 100 ms; told as a share, it holds on
    a slow or busy machine too.
    """
    program = (
        "import sys, time\n"
        "began = time.process_time()\n"
        "import botocore.session, botocore.config, botocore.exceptions\n"
        "started = time.process_time()\n"
        f"import lambdas.{handler}.handler\n"
        "print((time.process_time() - started) / (started - began))\n"
        "assert 'boto3' not in sys.modules\n"
    )
    shares = []
    for _ in range(8):  # what else the machine does may strike one part and not the other
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        shares.append(float(run.stdout))
        if shares[-1] <= 0.4:
            return
    raise AssertionError(f"our code took these shares of botocore's import: {shares}")
