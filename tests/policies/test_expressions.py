"""Expressions read as Terraform reads them; what is not understood stays unknown."""

from __future__ import annotations

import json
import shutil
import subprocess
import unicodedata
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model.expressions import (
    OUTSIDE,
    Encoded,
    Reference,
    Text,
    Unknown,
    lower,
    roots,
    template,
)

SUFFIX = Reference("var.environmentSuffix")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("$", "$"),
        ("$${x}", "${x}"),
        ("%%{x}", "%{x}"),
        ("${3}", 3),
        ("${ 3 }", 3),
        ("${-3}", -3),
        ("${1 + 2}", 3),
        ("${2 * 3 - 4 / 2}", 4),
        ("${true}", True),
        ("${!true}", False),
        ("${null}", None),
        ('${"a"}', "a"),
        ('${"a\\"b"}', 'a"b'),
        ('${"\\u0041"}', "A"),
        ("x${3}y", "x3y"),
        ("${3}${4}", "34"),
        ("${true}x", "truex"),
        ('${1 == 1 ? "a" : "b"}', "a"),
        ('${1 == "1"}', False),
        ("${[1, 2]}", [1, 2]),
        ("${[1, 2][1]}", 2),
        ("${{a = 1, b = 2}}", {"a": 1, "b": 2}),
        ('${{"a": 1}.a}', 1),
        ('${lower("ARM64")}', "arm64"),
        ('${join("-", ["a", "b"])}', "a-b"),
        ('${jsonencode({b = 1, a = "<"})}', '{"a":"\\u003c","b":1}'),
        ("${var.environmentSuffix}", SUFFIX),
        ("${ var.environmentSuffix}", SUFFIX),
        ("${(var.environmentSuffix)}", SUFFIX),
        ("x-${var.environmentSuffix}", Text(("x-", SUFFIX))),
        ('${"x-${var.environmentSuffix}"}', Text(("x-", SUFFIX))),
        ('${join("-", ["x", var.environmentSuffix])}', Text(("x-", SUFFIX))),
        ("${aws_sqs_queue.my-queue.arn}", Reference("aws_sqs_queue.my-queue", ("arn",))),
        ("${aws_sqs_queue.q[0].arn}", Reference("aws_sqs_queue.q", (0, "arn"))),
        ('${aws_sqs_queue.q["arn"]}', Reference("aws_sqs_queue.q", ("arn",))),
        ("${data.aws_region.here.name}", Reference("data.aws_region.here", ("name",))),
        ("${jsonencode([var.x])}", Encoded([Reference("var.x")])),
    ],
)
def test_reads(text: str, value: object) -> None:
    assert template(text) == value
    assert type(template(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "${",
        "${}",
        "${1 +}",
        "${1 2}",
        "${x y}",
        '${"a}',
        "${[for a in [1] : a]}",
        "${aws_sqs_queue.q.*.arn}",
        "${aws_sqs_queue.q[*].arn}",
        "%{ if true }a%{ endif }",
        "${~ 3 ~}",
        '${file("x")}',
        "${timestamp()}",
        "${var.x + 1}",
        '${var.x == "a" ? 1 : 2}',
        "${1 / 0}",
        "${7 / 2}",
        "x${0.1}",
        "${-0}",
        "${0 * -1}",
        "${[1][1]}",
        "${tonumber(true)}",
        "${lower(3, 4)}",
        "${" + "(" * 10_000 + ")" * 10_000 + "}",
        "${<<EOT\nx\nEOT\n}",
        "${3 // a comment\n}",
    ],
)
def test_leaves_open(text: str) -> None:
    assert isinstance(template(text), Unknown)


def test_tells_what_a_value_hangs_on() -> None:
    value = lower({"a": ["${file(var.x)}", "${aws_a.b.c}-${local.y}"]})
    assert set(roots(value)) == {"var.x", "aws_a.b", "local.y", OUTSIDE}


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("${[for x in [var . x] : x]}", "var.x"),
        ("${[for x in [var /* . */ . x] : x]}", "var.x"),
        ("${[for x in [var # .\n . x] : x]}", "var.x"),
        ("${[for x in [data . aws_a . b . c] : x]}", "data.aws_a.b"),
        ("${[for x in [aws_a.é.arn] : x]}", "aws_a.é"),
        ('%{ if fileexists ( "x" ) }x%{ endif }', OUTSIDE),
        ("${[for x in [1] : provider :: local :: now()]}", OUTSIDE),
        ("${parseint(timestamp(), 10)}", OUTSIDE),
    ],
)
def test_no_spelling_hides_what_a_value_hangs_on(text: str, root: str) -> None:
    assert root in set(roots(template(text)))


def test_iterators_give_values() -> None:
    scope = {"setting": {"key": 0, "value": {"name": "x"}}}
    assert template("${setting.value.name}", scope) == "x"


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    value = template(text)
    if "${" not in text and "%{" not in text:
        assert value == text


@given(st.text().map(partial(unicodedata.normalize, "NFC")))
def test_escaped_text_is_itself(text: str) -> None:
    # A $ or % in front of the escape would change what Terraform takes the escape for, and text
    # that it would normalise first is left unknown.
    plain = text.replace("$", "").replace("%", "") + "${x}%{y}"
    assert template(plain.replace("${", "$${").replace("%{", "%%{")) == plain


NUMBERS = st.recursive(
    st.integers(-50, 50).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda x: f"({' '.join(x)})"),
        inner.map(lambda e: f"-({e})"),
        st.tuples(inner, inner).map(lambda x: f"max({x[0]}, {x[1]})"),
        st.lists(inner, max_size=3).map(lambda x: f"length([{', '.join(x)}])"),
    ),
    max_leaves=4,
)
TRUTHS = st.recursive(
    st.sampled_from(["true", "false", '("a" == "b")', '(1 == "1")', "(null == 1)"])
    | st.tuples(NUMBERS, st.sampled_from(["==", "!=", "<", ">", "<=", ">="]), NUMBERS).map(
        lambda x: f"({' '.join(x)})"
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda x: f"({' '.join(x)})"),
        inner.map(lambda e: f"!{e}"),
    ),
    max_leaves=4,
)
TEXTS = st.recursive(
    st.sampled_from(['"a"', '"Hello"', '"$${x}"', '"a\\"b"', '""', '"é"'])
    | NUMBERS.map("tostring({})".format),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["lower", "upper", "trimspace"]), inner).map(
            lambda x: f"{x[0]}({x[1]})"
        ),
        st.tuples(NUMBERS, inner).map(lambda x: f'"${{{x[0]}}}-${{{x[1]}}}"'),
        st.tuples(inner, inner).map(lambda x: f'join("/", [{x[0]}, {x[1]}])'),
        st.tuples(TRUTHS, inner, inner).map(lambda x: f"({x[0]} ? {x[1]} : {x[2]})"),
        st.tuples(inner, NUMBERS).map(lambda x: f"jsonencode({{b = {x[0]}, a = [{x[1]}]}})"),
    ),
    max_leaves=4,
)
EXPRESSIONS = NUMBERS | TRUTHS | TEXTS


@pytest.mark.terraform
def test_terraform_reads_the_same(tmp_path: Path) -> None:
    """Whatever is read here as a value, Terraform's console reads as that value."""
    expressions: set[str] = set()

    @given(EXPRESSIONS)
    def collect(expression: str) -> None:
        expressions.add(expression)

    collect()
    understood = []
    for expression in sorted(expressions):
        value = template("${" + expression + "}")
        # A text that holds what is not known, such as the case of a letter beyond ASCII, neither.
        if not isinstance(value, Unknown | Text):
            understood.append((expression, value))
    assert len(understood) > 20
    # Piped in, the console shows the last answer alone: so there is one.
    text = f"jsonencode([{', '.join(expression for expression, _ in understood)}])"
    done = subprocess.run(
        [str(shutil.which("terraform")), "console"],
        input=text,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(json.loads(done.stdout))
    for (expression, value), found in zip(understood, answers, strict=True):
        if isinstance(value, float):
            assert found == pytest.approx(value), expression
        else:
            assert (found, type(found)) == (value, type(value)), expression
