"""Expressions that a reader evaluates to the right value and Terraform to another one.

What Terraform makes of each was seen in `terraform console`, 1.14.
"""

from __future__ import annotations

from tests.policies.documents import Alteration, Document, first, named, only

GROUP, FUNCTION = "aws_cloudwatch_log_group", "aws_lambda_function"


def days(expression: object) -> Alteration:
    """Keep logs for what the expression says."""
    return lambda d: first(d, GROUP).update(retention_in_days=expression)


def misjudged(condition: str) -> Alteration:
    """Keep logs for 30 days by a condition that is false to Terraform."""
    return days(f"${{{condition} ? 3 : 30}}")


def mistaken(condition: str) -> Alteration:
    """Keep logs for 30 days by a condition that is true to Terraform."""
    return days(f"${{{condition} ? 30 : 3}}")


def described(expression: str) -> Alteration:
    return lambda d: only(d, "aws_kms_key").update(description=expression)


# Conditions that are false to Terraform and look true.
FALSE = {
    "a tuple and a list": "tolist([3]) == [3]",
    "an empty tuple and a list": "tolist([]) == []",
    "true in a list for 1": "[1] == [true]",
    "false in a list for 0": "[false] == [0]",
    "true in an object for 1": "{a = 1} == {a = true}",
    "true deep within for 1": "[[{a = [1]}]] == [[{a = [true]}]]",
    "a branch made text by the other": '(true ? 1 : "a") == 1',
    "a truth made text by the other": '(true ? true : "a") == true',
    "a branch made text by a resource's": "(true ? 1 : aws_kms_key.encryption_key.arn) == 1",
    "an element made text by the other branch": '(true ? [1] : ["a"]) == [1]',
    "an element made text by its list": 'tolist([1, "a"])[0] == 1',
    "a truth made text by its list": 'tolist([true, "a"])[0] == true',
    "a sum that a float rounds": "3 + 0.00000000000000001 == 3",
    "a product that a float rounds": "1.1 * 1.1 == 1.2100000000000002",
    "a difference that a float rounds": "0.3 - 0.1 == 0.19999999999999998",
    "a fraction that a float rounds": "0.1 == 0.1000000000000000055511151231257827",
    "an order that a float rounds": "0.1 >= 0.1000000000000000055511151231257827",
    "a quotient that a float rounds": "9007199254740993 / 1 == 9007199254740992",
    "a maximum that a float rounds": "max(0.1, 0.1000000000000000055511151231257827) == 0.1",
    "an exponent in JSON": 'jsonencode(1e21) == "1e+21"',
    "a point in JSON": 'jsonencode(1.0) == "1.0"',
    "a point in JSON, in a list": 'jsonencode([1.0]) == "[1.0]"',
    "a separator of lines in JSON": 'jsonencode("\\u2028") == "\\"\\u2028\\""',
}
# Conditions that are true to Terraform and look false.
TRUE = {
    "a letter and its accent": '"e\\u0301" == "\\u00e9"',
    "a letter and its accent, unescaped": '"e\u0301" == "\u00e9"',
    "the sign of kelvin": '"\u212a" == "K"',
    "the sign of kelvin, escaped": '"\\u212a" == "K"',
    "the Greek question mark": '"\u037e" == ";"',
    "an accent joined on": '"${"e"}${"\\u0301"}" == "\\u00e9"',
    "an accent by join": 'join("", ["e", "\\u0301"]) == "\\u00e9"',
    "half a pair in JSON": 'jsondecode("\\"\\\\ud800\\"") == "\\ufffd"',
    "an accent in JSON": 'jsondecode("\\"e\\\\u0301\\"") == "\\u00e9"',
    "a whole number of more bits than Terraform keeps": f"{2**600 + 1} - 1 + 1 == {2**600}",
}

# What is written as one number and stands for another, or for none.
NUMBERS: dict[str, object] = {
    "a day by text": "30",
    "a day by blank and text": " 30",
    "a list of it": ["3"],
    "an object": {"days": 3},
    "a sum in text": "${1}${3}",
    "a sum": "${1 + 2 * 10}",
    "negative": "${-3}",
    "hexadecimal": "0x1e",
    "with an underscore": "3_0",
    "a fraction": "3.5",
    "an exponent": "3e1",
    "null": "${null}",
    "the shorter way": "${false ? 3 : 30}",
    "not the shorter way": "${!true ? 3 : 30}",
    "a choice of choices": "${true ? (false ? 3 : 30) : 3}",
    "an index": "${[3, 30][1]}",
    "a key": "${{a = 3, b = 30}.b}",
    "the last of two maps": "${merge({d = 3}, {d = 30}).d}",
    "JSON": '${jsondecode("[30]")[0]}',
    "a length": "${length([1, 2, 3, 4, 5])}",
    "a maximum": "${max(3, 30)}",
    "a try": "${try(30, 3)}",
    "a try of what is not": "${try(nothing.at.all, 30)}",
    "the first that is not null": "${coalesce(null, 30, 3)}",
    "the first that is not null or empty": '${coalesce("", "30")}',
    "looked up": '${lookup({a = 3}, "b", 30)}',
    "looked up by element": "${element([3, 30], 1)}",
    "the only one": "${one([30])}",
    "a format": '${format("%d", 30)}',
    "a replacement": '${replace("3x", "x", "0")}',
    "a pattern": '${regex("[0-9]+", "30 days")}',
    "a part": '${substr("3003", 0, 2)}',
    "a splat": "${[{d = 30}][*].d}",
    "a splat, the old way": "${[{d = 30}].*.d}",
    "a for": "${[for d in [30] : d][0]}",
    "a for of an object": "${{for d in [30] : d => d}[30]}",
    "whether it can": '${can(tonumber("x")) ? 3 : 30}',
    "a heredoc": "${<<D\n30\nD\n}",
    "a directive": "%{ if true }30%{ else }3%{ endif }",
    "a directive that strips": "%{~ if true ~}30%{~ else ~}3%{~ endif ~}",
    "a loop": "%{ for d in [3, 0] }${d}%{ endfor }",
    "a strip marker": "${~ 30 ~}",
    "a comment": "${30 /* 3 */}",
    "a comment to the end": "${30 # }\n}",
    "a comment of slashes": "${30 // 3 }\n}",
    "a ceiling": "${ceil(29.5)}",
    "a remainder": "${93 % 63}",
    "a power": "${pow(30, 1)}",
    "a function with its room": "${core::max(3, 30)}",
    "a function of the provider": '${provider::aws::arn_parse("arn:aws:s3:::30")}',
    "the moment": '${timestamp() == "" ? 3 : 30}',
    "the moment of the plan": '${plantimestamp() > "2027" ? 30 : 3}',
    "a file": '${fileexists("cdk.tf.json") ? 30 : 3}',
    "a template file": '${templatefile("days.tpl", {})}',
    "a template string": '${templatestring("30", {})}',
    "the workspace": '${terraform.workspace == "default" ? 30 : 3}',
    "the place": '${path.module == "." ? 30 : 3}',
    "whether it is applied": "${terraform.applying ? 30 : 3}",
    "the suffix": '${var.environmentSuffix == "dev" ? 30 : 3}',
    "the secrets": "${length(var.webhook_secrets)}",
    "nonsensitive secrets": "${nonsensitive(length(var.webhook_secrets)) > 0 ? 30 : 3}",
    "a local": "${local.days}",
    "a module": "${module.days.value}",
    "an instance": "${each.value}",
    "a count": "${count.index}",
    "itself": "${self.retention_in_days}",
    "another resource's number": "${aws_kms_key.encryption_key.deletion_window_in_days}",
    "another resource's, by way of a tag": "${aws_kms_key.encryption_key.tags.Days}",
    "another resource's, of what AWS computes": "${length(aws_kms_key.encryption_key.key_id)}",
    "data": "${data.aws_caller_identity.identity.account_id}",
    "data that is not there": "${data.aws_region.here.name}",
    "an escape": "$${3}",
    "an escape of a directive": "%%{3}",
    "an escape before it": "$$${3}",
    "a dollar before it": "$${3}${30}",
    "digits of the width of letters": "\uff13",
    "a digit of another script, converted": '${tonumber("\u0663")}',
    "a digit of another script": "\u0663",
    "a blank without width": "3\u200b",
    "a mark before it": "\ufeff3",
    "a mark of direction": "\u202e3",
    "a line after it": "3\n",
    "a superscript": "\u00b3",
}


def deep(levels: int) -> list[object]:
    nested: list[object] = []
    for _ in range(levels):
        nested = [nested]
    return nested


def _architecture(*found: object) -> Alteration:
    return lambda d: first(d, FUNCTION).update(architectures=list(found))


def _spliced(d: Document) -> None:
    named(d, FUNCTION, "price-enricher")["runtime"] = "python3.${8 + 1}"


EVASIONS: dict[str, Alteration] = {
    **{f"false: {what}": misjudged(condition) for what, condition in FALSE.items()},
    **{f"true: {what}": mistaken(condition) for what, condition in TRUE.items()},
    **{f"a number: {what}": days(value) for what, value in NUMBERS.items()},
    "an architecture without one": _architecture(),
    "an architecture in capitals": _architecture('${upper("arm64")}'),
    "an architecture, and null": _architecture("arm64", None),
    "an architecture twice": _architecture("arm64", "arm64"),
    "an architecture of another width": _architecture("\uff41rm64"),
    "an architecture with a hyphen that is not seen": _architecture("arm\u00ad64"),
    "an architecture with a Cyrillic letter": _architecture("\u0430rm64"),
    "an old runtime in two parts": _spliced,
    "an overflow in text": described("x${1e308 * 10}"),
    "an overflow in a quotient": described("x${1e308 * 10 / 2}"),
    "an overflow of a whole number": days(f"${{{10**400} / 1}}"),
    "an infinite product": days("${1e308 * 1e308}"),
    "no number": days("${1e308 * 10 - 1e308 * 10}"),
    "an expression without end": days("${" + "1 + " * 200_000 + "1}"),
    "comments without end": days("${" + "a/*" * 300_000 + "}"),
    "brackets without end": days("${" + "[" * 50_000 + "]" * 50_000 + "}"),
    "negations without end": days("${" + "!" * 50_000 + "true}"),
    "JSON without end": days('${jsondecode("' + "[" * 900 + "]" * 900 + '")}'),
    "lists without end": lambda d: only(d, "aws_kms_key").update(description=deep(400)),
    "tags without end": lambda d: only(d, "aws_kms_key")["tags"].update(Owner=deep(700)),
    "half a pair": lambda d: only(d, "aws_kms_key").update(description="\ud800"),
    "an accent apart": lambda d: only(d, "aws_kms_key").update(description="e\u0301"),
}
