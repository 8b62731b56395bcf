"""What a function's process sees, and how processes are kept and ended."""

import json
import os
import time
from pathlib import Path

import pytest

from local.emulator import REGION
from tests.emulator.embedded import ROOT, Aws, Emulator, eventually, package


def test_a_function_sees_its_zip_the_libraries_and_awss_variables_only(
    aws: Aws, emulator: Emulator
) -> None:
    function = aws.function(
        """
        import importlib.util
        return {
            "path": sys.path,
            "cwd": os.getcwd(),
            "env": dict(os.environ),
            "repository": importlib.util.find_spec("local") is not None,
            "boto3": importlib.util.find_spec("boto3") is not None,
            "files": sorted(os.listdir()),
        }
        """,
        variables={"TABLE_NAME": "prices", "PATH": "/own"},
        timeout=7,
    )
    seen = json.loads(function.invoke({})["Payload"])
    env = seen["env"]
    assert not seen["repository"]
    assert seen["boto3"]
    assert seen["files"] == ["handler.py"]
    assert seen["path"][0] == seen["cwd"] == env["LAMBDA_TASK_ROOT"]
    assert str(ROOT) not in seen["path"]
    assert env["TABLE_NAME"] == "prices"
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == function.name
    assert env["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert env["AWS_LAMBDA_LOG_GROUP_NAME"] == function.group
    assert env["AWS_ENDPOINT_URL"] == emulator.endpoint
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == REGION
    assert env["AWS_SESSION_TOKEN"]
    foreign = {"HOME", "USER", "PYTHONPATH", "VIRTUAL_ENV"} | {
        name for name in os.environ if name.lower().endswith("_proxy")
    }
    assert not foreign & env.keys()


def test_the_context_object_is_awss(aws: Aws) -> None:
    function = aws.function(
        """
        return {
            "id": context.aws_request_id,
            "name": context.function_name,
            "arn": context.invoked_function_arn,
            "group": context.log_group_name,
            "memory": context.memory_limit_in_mb,
            "version": context.function_version,
            "left": context.get_remaining_time_in_millis(),
        }
        """,
        timeout=7,
    )
    answer = function.invoke({})
    seen = json.loads(answer["Payload"])
    assert 5000 < seen.pop("left") <= 7000
    assert seen == {
        "id": answer["ResponseMetadata"]["RequestId"],
        "name": function.name,
        "arn": function.arn,
        "group": function.group,
        "memory": "128",
        "version": "$LATEST",
    }


def test_a_process_is_kept_warm_until_code_or_configuration_change(aws: Aws) -> None:
    function = aws.function("return [os.getpid(), os.environ.get('A')]")

    def call() -> list[object]:
        found: list[object] = json.loads(function.invoke({})["Payload"])
        return found

    first = call()
    assert call() == first
    aws.lambda_.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"A": "1"}}
    )
    second = call()
    assert second[1] == "1"
    assert second[0] != first[0]
    aws.lambda_.update_function_code(
        FunctionName=function.name, ZipFile=package("return [os.getpid(), 'new code']")
    )
    assert call()[1] == "new code"
    eventually(lambda: not Path(f"/proc/{first[0]}").exists())


def test_a_raised_exception_does_not_cost_the_process(aws: Aws) -> None:
    function = aws.function("if event: raise ValueError\nreturn os.getpid()")
    first = function.invoke({})["Payload"]
    function.invoke({"raise": 1})
    assert function.invoke({})["Payload"] == first


def test_concurrent_invocations_have_processes_of_their_own(aws: Aws, emulator: Emulator) -> None:
    function = aws.function("time.sleep(0.5)", reserved=3)
    for _ in range(6):
        function.invoke({}, "Event")
    most = 0
    deadline = time.monotonic() + 10
    while emulator.control("GET", "state")["waiting"].get(function.name):
        running = emulator.control("GET", "state")["running"].get(function.name, 0)
        most = max(most, running)
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert most == 3
    assert len(emulator.control("GET", "state")["processes"][function.name]) == 3


def test_a_synchronous_call_over_the_reserved_concurrency_is_throttled(
    aws: Aws, emulator: Emulator
) -> None:
    function = aws.function("time.sleep(2)", reserved=1)
    function.invoke({}, "Event")
    eventually(lambda: emulator.control("GET", "state")["running"].get(function.name))
    with pytest.raises(aws.lambda_.exceptions.TooManyRequestsException) as caught:
        function.invoke({})
    assert caught.value.response["Reason"].startswith("ReservedFunctionConcurrent")


def test_stopping_the_emulator_ends_the_functions_processes(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    function = Aws(emulator.endpoint).function("return os.getpid()")
    process = int(function.invoke({})["Payload"])
    assert Path(f"/proc/{process}").exists()
    assert emulator.stop() == 0
    assert not Path(f"/proc/{process}").exists()
    assert "stopping" in (tmp_path / "emulator.log").read_text()
