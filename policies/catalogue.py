"""``python -m policies.catalogue`` writes ``policies/README.md`` from the policies themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from policies.builtins import read_waivers
from policies.gate import policies
from policies.policy import ANY, DOCUMENT, Policy

TARGET = Path(__file__).with_name("README.md")
SCORE = Path(__file__).with_name("mutation-score.json")

_HEAD = """# Policies

What the stack may be, and the gate that says so. This page is generated: `python -m
policies.catalogue`.

```
python -m policies [PATH…] [--format text|json|sarif|junit] [--views auto|all|raw]
python -m policies PATH --plan PLAN.json    # what `terraform show -json` says has to agree
python -m policies PATH --seal FILE         # judge; on a pass note the folder's digest
python -m policies PATH --verify FILE       # is the folder still what was judged?
```

PATH is a `cdk.tf.json`, a stack folder or a `cdktf.out`; without one the stack is synthesized and
judged. Exit code 1: something is violated; 2: something could not be judged; 0: every policy has a
verdict on every resource it concerns, and all of them are "pass".

## How it judges

- **One model.** `model/` reads a document in every form Terraform accepts (objects and arrays,
  `dynamic` blocks, `count`, numbers as text, expressions, `jsonencode`, override files) and answers
  with a value or not at all. What is not understood is "cannot judge", never "pass".
- **The raw view** judges the document. `python main.py` does so after every synthesis, without
  Checkov, whose import alone takes longer than all policies on all resources.
- **The resolved view** lets Terraform apply the stack with AWS mocked (no credentials) and takes
  its answer where the document leaves an expression open, unless the answer hangs on what AWS
  would compute. With `--views all` Terraform also has to read every value as the model does.
- **Checkov's own checks** run on a plain rewriting of the model. `waivers.toml` says which need
  not pass, why, who answers for it and until when. A waiver that is expired or used by nothing
  fails the gate; the policies below cannot be waived.
- **The required values** stand in `requirement.py` and what may exist in `allowed.toml`, not in the
  stack's settings: a setting that weakens the stack fails here.
- **A PATH to a folder** is judged with all its files and packages. A PATH to a `cdk.tf.json` is
  judged with what Terraform reads beside it, and with its packages if there is an `assets` folder.

The same files run under plain Checkov, from any folder:

```
BC_SKIP_MAPPING=TRUE checkov -d STACK --framework terraform_json --skip-download \\
  --external-checks-dir policies/checks
```

There, what concerns the document as a whole hangs on its provider, and a document that Checkov
cannot read passes in silence: only the gate counts verdicts.
"""


def _applies(policy: Policy) -> str:
    if policy.applies_to == (DOCUMENT,):
        return "the document"
    if policy.applies_to == (ANY,):
        return "every resource"
    return ", ".join(f"`{type_}`" for type_ in policy.applies_to)


def _policy(policy: Policy) -> Iterator[str]:
    doc = (type(policy).__doc__ or "").strip()
    yield f"### {policy.id}: {policy.name}"
    yield ""
    yield doc
    yield ""
    yield f"- Severity: {policy.severity.lower()}"
    yield f"- Concerns: {_applies(policy)}"
    yield f"- To fix: {policy.fix}"
    yield f"- See <{policy.page}>"
    yield ""


def _scores() -> Iterator[str]:
    scores = json.loads(SCORE.read_text(encoding="utf-8"))
    yield "## Mutation score"
    yield ""
    yield (
        "Operators (delete, null, wrong value, type and case, near value, list with a good and a "
        "bad member, reference to another resource, variable, local, expression, file, ignored "
        "changes, override file, second provider, rogue resource, …) applied to every value that a "
        "policy guards, also within the documents that texts hold, on the first resource of each "
        "type. Of the policies that guard a value, one at least has to name the resource of every "
        "mutant; an equivalent one means the same (reasons: `tests/policies/mutations.py`). "
        "`python -m tests.policies.score` counts again."
    )
    yield ""
    yield "| policy | mutants | refused by it | by another that guards it | equivalent | survived |"
    yield "|---|---|---|---|---|---|"
    for policy, score in scores.items():
        yield f"| {policy} | " + " | ".join(str(number) for number in score.values()) + " |"
    yield ""


def text() -> str:
    """The catalogue: how the gate works, each policy, each waiver."""
    lines = [_HEAD, f"## The {len(policies())} policies", ""]
    for policy in policies():
        lines.extend(_policy(policy))
    lines.extend(_scores())
    lines += ["## Waived checks of Checkov", "", "| check | resources | reason | owner | until |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {w.policy} | `{w.resource}` | {w.reason} | {w.owner} | {w.expires} |"
        for w in read_waivers()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(Path.cwd())}", file=sys.stderr)
