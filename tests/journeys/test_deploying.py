"""The two ways that deploy to AWS, taken here to the end: `cdktf deploy` and `make deploy`.

Each in a checkout of its own, as the deployer, with the commands that the README names; only the
address that Terraform talks to is the embedded AWS's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lambdas.domain.keys import VENUES
from local import demo, deployer, leftovers, pipeline, process, signing
from local.console import Voice
from local.pipeline import Deployment
from local.places import ROOT, Place
from local.terraform import Changes, Terraform
from stack import naming
from stack import settings as stack_settings
from tests.journeys.stage import Journey, trade

pytestmark = [
    pytest.mark.journey,
    pytest.mark.terraform,
    pytest.mark.long,
    pytest.mark.timeout(900),
]

CDKTF = str(ROOT / ".tools/cdktf-cli/cdktf")
# The lock of other platforms is asked of the registry, also where a mirror serves.
UNASKED = ("--auto-approve", "--skip-provider-lock")
# What set up the environment that runs this test has set up enough.
MAKE = ("make", "-o", "setup")
COPIED = ("main.py", "cdktf.json", "Makefile", "stack", "lambdas", "policies", "client", "local")


@dataclass(frozen=True)
class Way:
    """The commands of one way, and the environment that it deploys."""

    suffix: str
    deploy: tuple[str, ...]
    destroy: tuple[str, ...]


WAYS = [
    pytest.param(
        Way("by-cdktf", (CDKTF, "deploy", *UNASKED), (CDKTF, "destroy", *UNASKED)),
        marks=pytest.mark.cdktf_cli,
        id="cdktf",
    ),
    pytest.param(
        Way(
            "by-make",
            (*MAKE, "deploy", "SUFFIX=by-make", "APPROVE=yes"),
            (*MAKE, "destroy", "SUFFIX=by-make", "APPROVE=yes"),
        ),
        id="make",
    ),
]


def checkout(folder: Path) -> Path:
    """A copy of the project, to be changed at will; the environments are this one's."""
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_what_is_judged_is_deployed_works_and_is_destroyed(
    journey: Journey, tmp_path: Path, way: Way
) -> None:
    emulator = process.running(journey.places)
    assert emulator is not None
    project, place = checkout(tmp_path / "project"), Place(tmp_path / "place")
    place.folder.mkdir()
    settings, path = stack_settings.load(), project / "stack/settings.toml"
    region = settings.project.region
    variables = {
        **pipeline.variables(place, emulator, settings, way.suffix),
        # cdktf hands no TF_VAR_ on to the program; Terraform refuses a suffix that is another.
        "ENVIRONMENT_SUFFIX": way.suffix,
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "TF_CLI_CONFIG_FILE": str(journey.places.terraform_configuration),
        "CHECKPOINT_DISABLE": "1",
    }
    for inherited in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CDKTF_OUTDIR"):
        variables.pop(inherited, None)

    def run(*command: str, folder: Path = project) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def standing() -> leftovers.Leftovers:
        return leftovers.find(
            lambda service: pipeline.client(emulator, service, region), way.suffix
        )

    # A violation deploys nothing.
    lawful = path.read_text(encoding="utf-8")
    assert lawful.count("retention_days = 3") == 1
    path.write_text(lawful.replace("retention_days = 3", "retention_days = 5"), encoding="utf-8")
    refusal = run(*way.deploy)
    assert refusal.returncode != 0
    assert "aws_cloudwatch_log_group.webhook_processor_log_group" in refusal.stdout
    alone = [f"role {deployer.role(way.suffix)}"]
    assert standing().unexpected == alone, refusal.stdout

    path.write_text(lawful, encoding="utf-8")
    done = run(*way.deploy)
    assert done.returncode == 0, done.stdout
    assert "breaks no policy" in done.stdout
    stack = project / "cdktf.out" / "stacks" / naming.stack_name(way.suffix)
    plan = run("terraform", "plan", "-input=false", "-detailed-exitcode", folder=stack)
    assert plan.returncode == 0, plan.stdout
    shown = run("terraform", "output", "-json", folder=stack)
    outputs = {name: each["value"] for name, each in json.loads(shown.stdout).items()}
    deployment = Deployment(
        way.suffix,
        emulator,
        settings,
        outputs,
        signing.kept(place.secrets, VENUES),
        Terraform(journey.places, place, variables),
        Changes(),
    )
    evidence, turned_away, _ = demo.send(Voice(), deployment, [trade(70, base="WAYS")])
    counts = evidence.counts(0)
    assert not turned_away
    assert (counts.stored, counts.enriched, counts.lost) == (1, 1, 0)

    gone = run(*way.destroy)
    assert gone.returncode == 0, gone.stdout
    left = standing()
    assert (left.unexpected, left.expected) == (alone, "1 key pending deletion")
    deployer.dismissed(pipeline.client(emulator, "iam", region), way.suffix)
    assert standing().unexpected == []
