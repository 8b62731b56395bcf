"""The variables are the suffix and the secrets, and neither can weaken the stack."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies.model.expressions import roots, template
from policies.model.stack import Resource, Stack, same
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem, shown

_SPLICED = re.compile(r"[$%]\{")


class Variables(Policy):
    """A variable is changed by whoever deploys, after the verdict: so there are two, both bound."""

    id = "CKV_PRICE_27"
    name = "Only environmentSuffix, bound to what was synthesized, and webhook_secrets, sensitive"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/values/variables"
    fix = (
        "Keep environmentSuffix (string, default, validation that it equals the default) and "
        "webhook_secrets (string, sensitive, no default); remove others."
    )
    applies_to = (DOCUMENT,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand both, as they have to be, and no third."""
        known = {"environmentSuffix": self._suffix, "webhook_secrets": self._secrets}
        blocks = {b.labels[0]: b for b in stack.blocks_of("variable")}
        if len(blocks) != len(stack.blocks_of("variable")):
            yield Problem("a variable is declared twice", address="variable")
        for name in sorted(set(blocks) | set(known)):
            address = f"variable.{name}"
            if name not in known:
                yield Problem("the pipeline needs no such variable", address=address)
            elif name not in blocks:
                yield Problem("is missing", address=address)
            else:
                for problem in known[name](blocks[name].raw):
                    yield Problem(problem.message, problem.found, problem.expected, address)

    def _common(
        self, name: str, raw: dict[str, object], wanted: dict[str, object]
    ) -> Iterator[Problem]:
        for key, expected in wanted.items():
            found = raw.get(key)
            if (expected is None) != (found is None) or not (
                expected is None or same(found, expected)
            ):
                yield Problem(f"{key} is {shown(found)}", shown(found), shown(expected))
        allowed = {"type", "default", "description", "nullable", "sensitive", "validation", "//"}
        for key in sorted(set(raw) - allowed):
            yield Problem(f"{key} is not allowed", "set", "absent")
        description = raw.get("description", "")
        if not isinstance(description, str) or _SPLICED.search(description):
            yield Problem("description is no plain text")
        for validation in _list(raw.get("validation")) if raw.get("validation") else []:
            if (
                not isinstance(validation, dict)
                or set(validation) - {"//"} != {"condition", "error_message"}
                or not all(isinstance(v, str) and v for k, v in validation.items() if k != "//")
            ):
                yield Problem(f"validation {shown(validation)} is no condition and message")
            elif _SPLICED.search(validation["error_message"]):
                yield Problem("an error message that holds an expression could print the secret")
            elif set(roots(template(validation["condition"]))) != {f"var.{name}"}:
                condition = shown(validation["condition"])
                yield Problem(f"the validation {condition} looks beyond its variable", condition)

    def _suffix(self, raw: dict[str, object]) -> Iterator[Problem]:
        default = raw.get("default")
        yield from self._common(
            "environmentSuffix", raw, {"type": "string", "nullable": False, "sensitive": None}
        )
        if not isinstance(default, str) or not re.fullmatch(
            r"[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?", default, re.ASCII
        ):
            yield Problem(
                f"default is {shown(default)}",
                shown(default),
                "1 to 16 lower-case letters, digits and inner hyphens",
            )
        wanted = f'${{var.environmentSuffix == "{default}"}}'
        conditions = [
            re.sub(r"\s+", " ", str(v.get("condition"))).replace("${ ", "${").replace(" }", "}")
            for v in _list(raw.get("validation"))
            if isinstance(v, dict)
        ]
        if wanted not in conditions:
            yield Problem(
                "no validation binds it to what was synthesized", shown(conditions), wanted
            )

    def _secrets(self, raw: dict[str, object]) -> Iterator[Problem]:
        wanted = {"type": "string", "nullable": False, "sensitive": True, "default": None}
        yield from self._common("webhook_secrets", raw, wanted)


def _list(raw: object) -> list[object]:
    return raw if isinstance(raw, list) else [raw]


offer(Variables, __name__)
