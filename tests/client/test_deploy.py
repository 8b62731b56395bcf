"""A deployment applies what was judged and nothing else; any step that fails ends it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from client.deploy import PLAN, Deployment, Stopped
from policies.resolved import _agree

# A stand-in for both programs: writes down what it was called with, fails where it is told to.
PROGRAM = """
import json, os, sys
with open({calls!r}, "a") as calls:
    names = ("TF_VAR_environmentSuffix", "TF_VAR_webhook_secrets", "TF_CLI_CONFIG_FILE")
    calls.write(json.dumps([sys.argv[1:], os.getcwd(), [os.environ.get(n) for n in names]]) + "\\n")
print("{{}}")
sys.exit({failing!r} in " ".join(sys.argv[1:]))
"""


class Site:
    """A repository in which both programs are stand-ins."""

    def __init__(
        self,
        folder: Path,
        failing: str = "nothing fails",
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.calls = folder / "calls"
        self.calls.touch()
        script = folder / "program.py"
        script.write_text(PROGRAM.format(calls=str(self.calls), failing=failing))
        (folder / "scratch").mkdir()
        program = (sys.executable, str(script))
        self.deployment = Deployment(
            "pr-7", folder / "scratch", variables, root=folder, terraform=program, python=program
        )
        self.deployment.folder.mkdir(parents=True)

    def made(self) -> list[str]:
        return [json.loads(line)[0][0] for line in self.calls.read_text().splitlines()]

    def arguments(self) -> list[list[str]]:
        return [json.loads(line)[0] for line in self.calls.read_text().splitlines()]


def test_a_deployment_judges_before_it_plans_and_applies_the_judged_plan(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.deployment.prepare(destroy=False)
    site.deployment.apply(judged=True)
    assert site.made() == ["main.py", "-m", "init", "plan", "show", "-m", "-m", "apply"]
    gate, plan, judged_plan, verify, apply = (site.arguments()[n] for n in (1, 3, 5, 6, 7))
    folder = str(site.deployment.folder)
    assert gate[1:5] == ["policies", folder, "--views", "all"]
    assert gate[5:] == ["--seal", str(site.deployment.seal)]
    assert f"-out={PLAN}" in plan
    assert judged_plan[1:4] == ["policies", folder, "--plan"]
    assert verify[1:] == ["policies", folder, "--verify", str(site.deployment.seal)]
    assert apply[-1] == PLAN


@pytest.mark.parametrize("step", ["main.py", "--seal", "init", "plan -input", "show", "--plan"])
def test_a_step_that_fails_ends_it_before_anything_is_applied(tmp_path: Path, step: str) -> None:
    site = Site(tmp_path, failing=step)
    with pytest.raises(Stopped, match="nothing was changed"):
        site.deployment.prepare(destroy=False)
    assert "apply" not in site.made()
    assert step in " ".join(site.arguments()[-1])


def test_a_folder_that_changed_since_is_not_applied(tmp_path: Path) -> None:
    site = Site(tmp_path, failing="--verify")
    site.deployment.prepare(destroy=False)
    with pytest.raises(Stopped, match="nothing was changed"):
        site.deployment.apply(judged=True)
    assert "apply" not in site.made()


def test_a_failed_apply_says_that_part_may_stand(tmp_path: Path) -> None:
    site = Site(tmp_path, failing="apply -input")
    with pytest.raises(Stopped, match="run the same command again"):
        site.deployment.apply(judged=True)


def test_what_breaks_a_policy_can_still_be_removed_without_the_secrets(tmp_path: Path) -> None:
    site = Site(tmp_path, failing="policies")
    site.deployment.prepare(destroy=True)
    site.deployment.apply(judged=False)
    assert site.made() == ["-c", "init", "plan", "apply"]
    assert "-destroy" in site.arguments()[2]
    (_, _, variables) = json.loads(site.calls.read_text().splitlines()[-1])
    assert variables[:2] == ["pr-7", "{}"]
    assert Path(variables[2]).parent == site.deployment.scratch


def test_no_variable_changes_what_terraform_does_behind_the_policies_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leading = {
        "TF_CLI_ARGS": "-lock=false",
        "TF_CLI_ARGS_plan": "-target=aws_sns_topic.x",
        "TF_DATA_DIR": "elsewhere",
        "TF_REATTACH_PROVIDERS": "{}",
        "TF_WORKSPACE": "other",
        "TF_PLUGIN_CACHE_DIR": "planted",
        "TF_VAR_other": "x",
    }
    harmless = {"TF_LOG": "debug", "TF_TOKEN_app_terraform_io": "x", "AWS_PROFILE": "dev"}
    site = Site(tmp_path, variables={**leading, **harmless, "TF_VAR_webhook_secrets": "{1}"})
    site.deployment.prepare(destroy=False)
    given = site.deployment.environment()
    assert leading.keys().isdisjoint(given)
    assert harmless.items() <= given.items()
    assert given["TF_VAR_webhook_secrets"] == "{1}"
    said = capsys.readouterr().err
    assert all(name in said for name in leading)


@pytest.mark.parametrize("linked", [False, True])
def test_a_provider_that_lies_in_the_folder_is_not_run(tmp_path: Path, linked: bool) -> None:
    site = Site(tmp_path)
    planted = site.deployment.folder / ".terraform"
    place = tmp_path / "elsewhere" if linked else planted
    (place / "providers").mkdir(parents=True)
    (place / "providers" / "terraform-provider-aws").write_text("")
    if linked:
        planted.symlink_to(place)
    site.deployment.prepare(destroy=False)
    assert not (planted / "providers").exists()
    assert not linked or (place / "providers").exists()


def test_a_program_in_the_providers_place_stops_it(tmp_path: Path) -> None:
    configuration = tmp_path / "rc"
    configuration.write_text(
        'provider_installation {\n  dev_overrides { "hashicorp/aws" = "/x" }\n  direct {}\n}\n'
    )
    site = Site(tmp_path, variables={"TF_CLI_CONFIG_FILE": str(configuration)})
    with pytest.raises(Stopped, match="dev_overrides"):
        site.deployment.prepare(destroy=False)
    assert site.made() == []


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [
        ('{"Statement":[],"Version":"2012-10-17"}', True),
        ('{"Statement":[{}],"Version":"2012-10-17"}', False),
        ("2012-10-17", False),
    ],
)
def test_a_plan_may_sort_the_keys_of_a_policy_and_no_more(shown: str, agrees: bool) -> None:
    assert _agree('{"Version": "2012-10-17", "Statement": []}', shown) is agrees
