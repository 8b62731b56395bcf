"""Mapping templates: what is rendered, and what is refused by name."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.templates import Scope, TemplateError, render
from tests.emulator.test_gateway import ACCEPTED, TEMPLATE


def scope(body: str = "", **headers: str) -> Scope:
    return Scope(
        body,
        {"path": {"exchange": "kraken"}, "querystring": {"q": "1"}, "header": headers},
        {
            "requestId": "id-1",
            "requestTimeEpoch": 1_732_250_000_000,
            "identity": {"sourceIp": "::1"},
        },
        {"stage": "v1"},
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain $ text # 1 $5", "plain $ text # 1 $5"),
        ("$context.requestId ${context.requestId}x", "id-1 id-1x"),
        ("$context.identity.sourceIp $stageVariables.stage", "::1 v1"),
        ("$input.params('q')$input.params('exchange')$input.params('none')", "1kraken"),
        ('#set($a = "x")$a$!b', "x"),
        ('#set($a = "<$context.requestId>")$a', "<id-1>"),
        ("#set($a = '<$context.requestId>')$a", "<$context.requestId>"),
        ("#set($n = 2 + 3 * 4)$n", "14"),
        ("#set($n = (2 + 3) * 4 % 6)$n", "2"),
        ("#if(1 < 2 && !false)yes#else no#end", "yes"),
        ('#if("" )yes#end', "yes"),
        ("#if($none)yes#elseif(2 == 2)two#else no#end", "two"),
        ("#foreach($x in [1, 2, 3])$x#if($foreach.hasNext),#end#end", "1,2,3"),
        ("#foreach($x in [5])$foreach.index$foreach.count$velocityCount#end", "011"),
        ("#set($m = {'a': 1, 'b': 2})$m.get('a')$m.b$m['a']$m.size()", "1212"),
        ("#set($m = {})#foreach($k in $m.keySet())$k#end.", "."),
        ("a## comment\nb#* long\n *#c", "abc"),
        ("#set($a = 1)\n#if($a == 1)\nx\n#end\ny", "x\ny"),
        ('$util.urlEncode("a b&")$util.base64Decode("eA==")', "a+b%26x"),
        ("$util.escapeJavaScript('it\"s')", 'it\\"s'),
        ('#set($s = "AbC")$s.toLowerCase()$s.contains("b")$s.length()', "abctrue3"),
        ('#set($s = "a-b")$s.replaceAll("-(.)", "<$1>")$s.startsWith("a")', "a<b>true"),
        ("$input.path('$.a[1].b') $input.json('$.a')", '2 [1, {"b": 2}]'),
        ("#{set}($a = 1)#{if}($a == 1)x#{else}y#{end}", "x"),
    ],
)
def test_what_is_rendered(template: str, expected: str) -> None:
    assert render(template, scope('{"a": [1, {"b": 2}]}')) == expected


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("$nothing", r"\$nothing"),
        ("$context.noSuchThing", r"\$context\.noSuchThing"),
        ("$util.matchAll()", r"\$util\.matchAll\(\)"),
        ("$input.frob", "frob"),
        ("$input.body.codePointAt(1)", "codePointAt"),
        ("#macro(x)#end", "#macro"),
        ("#parse('x')", "#parse"),
        ("#if(true)x", "#end"),
        ("#set($input = 1)", r"\$input"),
        ("#set($context.requestId = 1)", r"\$context\.requestId"),
        ("#set(x = 1)", "reference"),
        ("#if($a ==)x#end", "expected a value"),
        ("#foreach($x in 5)x#end", "int"),
        ("$util.base64Encode($none)", "null"),
        ("$input.path('$..a')", "plain property"),
        ("#* open", "comment"),
        ('#if("a" < 1)x#end', "numbers"),
    ],
)
def test_what_is_not_emulated_is_named(template: str, named: str) -> None:
    with pytest.raises(TemplateError, match=named):
        render(template, scope("{}"))


def test_a_response_template_overrides_the_status() -> None:
    one = scope('{"Message": "too large"}')
    assert json.loads(render(ACCEPTED, one)) == {"accepted": False, "request_id": "id-1"}
    assert one.context["responseOverride"] == {"status": 502}
    other = scope("")
    assert json.loads(render(ACCEPTED, other)) == {"accepted": True, "request_id": "id-1"}
    assert "responseOverride" not in other.context


texts = st.text(alphabet=st.characters(codec="utf-8"))


@given(
    body=texts,
    headers=st.dictionaries(
        st.sampled_from(["Webhook-Id", "WEBHOOK-SIGNATURE", "webhook-id", "Other", "X-Api-Key"]),
        texts,
    ),
)
def test_whatever_a_sender_chooses_arrives_in_valid_json_and_unchanged(
    body: str, headers: dict[str, str]
) -> None:
    event: dict[str, Any] = json.loads(render(TEMPLATE, scope(body, **headers)))
    assert base64.b64decode(event["body"]).decode() == body
    assert event["headers"].keys() == {
        name.lower() for name in headers if name.lower().startswith("webhook-")
    }
    for name, value in event["headers"].items():
        sent = {text for key, text in headers.items() if key.lower() == name}
        assert base64.b64decode(value).decode() in sent
