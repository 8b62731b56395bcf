"""What stands in a function's log group, and what subscription filters forward."""

import base64
import gzip
import json
import re
from typing import Any

import pytest

from local.emulator import ACCOUNT_ID, REGION
from tests.emulator.embedded import Aws, Emulator, Function, eventually

ERRORS = (
    '{ ($.level = "ERROR") || ($.level = "CRITICAL") || ($.log_level = "ERROR") || '
    '($.record.status = "timeout") || ($.record.status = "error") || '
    '($.record.status = "failure") }'
)


def entries(function: Function) -> list[dict[str, Any]]:
    return [line for line in function.lines() if isinstance(line, dict)]


def test_a_log_record_is_one_json_line_with_its_extras_on_top(aws: Aws) -> None:
    function = aws.function(
        'log.warning("%d ticks", 3, extra={"symbol": "BTC", "count": 3, "none": None})'
    )
    request_id = function.invoke({})["ResponseMetadata"]["RequestId"]
    (line,) = entries(function)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line.pop("timestamp"))
    assert line == {
        "level": "WARNING",
        "message": "3 ticks",
        "logger": "test",
        "requestId": request_id,
        "symbol": "BTC",
        "count": 3,
    }


def test_a_logged_exception_tells_type_trace_and_place(aws: Aws) -> None:
    function = aws.function(
        """
        try:
            {}["missing"]
        except KeyError:
            log.exception("it broke")
        """
    )
    function.invoke({})
    (line,) = entries(function)
    assert line["level"] == "ERROR"
    assert (line["errorType"], line["errorMessage"]) == ("KeyError", "'missing'")
    assert len(line["stackTrace"]) == 1
    assert re.search(r"handler\.py:handle:\d+$", line["location"])


def test_an_unhandled_exception_has_a_log_level_and_no_level(aws: Aws) -> None:
    function = aws.function("class Broken(ValueError): pass\nraise Broken('no price')")
    answer = function.invoke({})
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"])
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert error["errorType"] == "Broken"
    assert error["errorMessage"] == "no price"
    assert error["requestId"] == request_id
    (line,) = entries(function)
    assert line.pop("timestamp")
    assert line == {"log_level": "ERROR", **error}


def test_levels_follow_the_logging_configuration(aws: Aws) -> None:
    source = "log.debug('d')\nlog.info('i')\nlog.error('e')\nprint('printed')"
    function = aws.function(source, logging={"ApplicationLogLevel": "ERROR"})
    function.invoke({})
    assert [line["message"] for line in entries(function)] == ["e"]
    assert "printed" in function.lines()


def test_platform_records_of_good_runs_come_at_info_only(aws: Aws) -> None:
    quiet = aws.function("return 1")
    full = aws.function("return 1", logging={"SystemLogLevel": "INFO"})
    quiet.invoke({})
    full.invoke({})
    assert quiet.lines() == []
    assert [line["type"] for line in entries(full)] == ["platform.start", "platform.report"]


def test_a_time_out_is_a_platform_record(aws: Aws) -> None:
    function = aws.function("print('begun')\ntime.sleep(5)", timeout=1)
    answer = function.invoke({})
    assert json.loads(answer["Payload"])["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in json.loads(answer["Payload"])["errorMessage"]
    assert "begun" in function.lines()
    done, report = entries(function)
    assert (done["type"], report["type"]) == ("platform.runtimeDone", "platform.report")
    assert done["record"]["status"] == report["record"]["status"] == "timeout"
    assert report["record"]["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert report["record"]["metrics"]["memorySizeMB"] == 128


def test_a_process_that_dies_is_reported_and_replaced(aws: Aws) -> None:
    function = aws.function("if event: os._exit(3)\nreturn 'alive'")
    error = json.loads(function.invoke({"die": True})["Payload"])
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert entries(function)[-1]["record"]["status"] == "error"
    assert json.loads(function.invoke({})["Payload"]) == "alive"


def test_a_handler_that_cannot_be_imported_says_why(aws: Aws) -> None:
    function = aws.function("import no_such_module\ndef handle(event, context): pass")
    error = json.loads(function.invoke({})["Payload"])
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "no_such_module" in error["errorMessage"]
    assert entries(function)[0]["log_level"] == "ERROR"


def test_lines_go_where_the_role_may_write_and_nowhere_else(aws: Aws, emulator: Emulator) -> None:
    function = aws.function("log.info('written')", may_log=False)
    emulator.control("DELETE", "denials")
    assert function.invoke({})["StatusCode"] == 200
    assert function.lines() == []
    denials = emulator.control("GET", "denials")["denials"]
    assert {one["action"] for one in denials} == {"logs:CreateLogStream"}
    resource = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{function.group}:*"
    function.grant((["logs:CreateLogStream", "logs:PutLogEvents"], resource))
    function.invoke({})
    assert len(function.said("written")) == 1


def test_text_mode_writes_start_end_and_report(aws: Aws) -> None:
    function = aws.function("log.error('plain')", logging={"LogFormat": "Text"})
    request_id = function.invoke({})["ResponseMetadata"]["RequestId"]
    start, line, end, report = [str(one) for one in function.lines()]
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert line.startswith("[ERROR]\t")
    assert line.endswith(f"\t{request_id}\tplain")
    assert end == f"END RequestId: {request_id}"
    assert report.startswith(f"REPORT RequestId: {request_id}\tDuration: ")


def subscribe(aws: Aws, source: Function, pattern: str, *, allow: bool = True) -> Function:
    listener = aws.function("log.info('got', extra={'data': event['awslogs']['data']})")
    if allow:
        aws.lambda_.add_permission(
            FunctionName=listener.name,
            StatementId="logs",
            Action="lambda:InvokeFunction",
            Principal="logs.amazonaws.com",
            SourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{source.group}:*",
        )
    aws.logs.put_subscription_filter(
        logGroupName=source.group,
        filterName="errors",
        filterPattern=pattern,
        destinationArn=listener.arn,
    )
    return listener


def forwarded(listener: Function) -> list[dict[str, Any]]:
    packed = [line["data"] for line in listener.said("got")]
    return [json.loads(gzip.decompress(base64.b64decode(one))) for one in packed]


def test_errors_raised_exceptions_and_time_outs_are_forwarded_and_nothing_else(aws: Aws) -> None:
    function = aws.function(
        """
        log.info("fine")
        if event == "log": log.error("bad")
        if event == "raise": raise ValueError("worse")
        if event == "hang": time.sleep(5)
        """,
        timeout=1,
    )
    listener = subscribe(aws, function, ERRORS)
    for event in ("ok", "log", "raise", "hang"):
        function.invoke(event)
    messages = eventually(lambda: found if len(found := forwarded(listener)) == 3 else None)
    first = messages[0]
    assert first["messageType"] == "DATA_MESSAGE"
    assert first["owner"] == ACCOUNT_ID
    assert first["logGroup"] == function.group
    assert first["subscriptionFilters"] == ["errors"]
    assert first["logStream"]
    lines = [json.loads(e["message"]) for one in messages for e in one["logEvents"]]
    assert sorted(
        line.get("level") or line.get("log_level") or line["record"]["status"] for line in lines
    ) == ["ERROR", "ERROR", "timeout", "timeout"]


def test_logs_must_be_allowed_to_invoke(aws: Aws) -> None:
    function = aws.function("return 1")
    with pytest.raises(aws.logs.exceptions.InvalidParameterException, match="permission"):
        subscribe(aws, function, "", allow=False)


def test_events_that_logs_may_no_longer_hand_over_are_dropped_and_the_refusal_kept(
    aws: Aws, emulator: Emulator
) -> None:
    function = aws.function("log.error('bad')")
    listener = subscribe(aws, function, ERRORS)
    aws.lambda_.remove_permission(FunctionName=listener.name, StatementId="logs")
    emulator.control("DELETE", "denials")
    function.invoke({})
    (denial,) = eventually(
        lambda: [
            one
            for one in emulator.control("GET", "denials")["denials"]
            if one["resource"] == listener.arn
        ]
    )
    assert denial["principal"] == "logs.amazonaws.com"
    assert denial["action"] == "lambda:InvokeFunction"
    assert denial["via"].endswith(f":log-group:{function.group}:*")
    assert forwarded(listener) == []


@pytest.mark.parametrize("pattern", ["{ $.level = }", "{ level = 1 }", "[ip, user]", '{ $.a = "x"'])
def test_a_malformed_pattern_is_refused(aws: Aws, pattern: str) -> None:
    function = aws.function("return 1")
    with pytest.raises(aws.logs.exceptions.InvalidParameterException):
        subscribe(aws, function, pattern)


def test_a_third_subscription_of_a_group_is_refused(aws: Aws) -> None:
    function = aws.function("return 1")
    listener = subscribe(aws, function, "")
    put = {"logGroupName": function.group, "filterPattern": "", "destinationArn": listener.arn}
    aws.logs.put_subscription_filter(filterName="second", **put)
    with pytest.raises(aws.logs.exceptions.LimitExceededException):
        aws.logs.put_subscription_filter(filterName="third", **put)
