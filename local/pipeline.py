"""The whole pipeline on this machine: brought up, looked at, taken down.

The same way as to AWS: the stack is synthesized, judged by the gate, and deployed by Terraform
with the real AWS provider. Only the address that the provider talks to is another.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from lambdas.domain.keys import VENUES
from local import deployer, leftovers, prerequisites, process, signing
from local import emulator as embedded
from local.console import Step, Voice
from local.errors import LocalError
from local.places import ROOT, Place, Places
from local.surroundings import cleaned, isolated
from local.terraform import Changes, Progress, Terraform
from stack import naming
from stack import settings as stack_settings

REPLAY = {"processing": {"past_window_seconds": 0}}
"""What replaying recordings sets otherwise: a tick of any age is stored."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One environment that stands in the emulator."""

    suffix: str
    emulator: process.Emulator
    settings: stack_settings.Settings
    outputs: Mapping[str, Any]
    secrets: Mapping[str, signing.Secret]
    terraform: Terraform
    changes: Changes

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator, with every right."""
        return client(self.emulator, service, self.settings.project.region)


def up(
    voice: Voice,
    places: Places,
    suffix: str,
    port: int,
    overlay: Mapping[str, Mapping[str, Any]] | None = None,
    time_scale: float = 1.0,
    rights: str | None = None,
) -> Deployment:
    """Bring one environment up, or to what its configuration says now.

    `overlay` holds what this run sets otherwise than stack/settings.toml. A newly started emulator
    lets AWS's waits pass `time_scale` times as fast. `rights` is the policy of whoever deploys,
    if not docs/deployer-policy.json. Raises `LocalError`.
    """
    naming.validate_suffix(suffix)
    prerequisites.check(places, port)
    place = places.of(suffix)
    settings = _settings(place, overlay or {})
    emulator = _started(voice, places, port, time_scale)
    with voice.step("synthesis") as step:
        folder = synthesize(place, suffix)
        step.outcome = f"{naming.stack_name(suffix)}, {_count(folder)} resources"
    with voice.step("policies") as step:
        step.outcome = judge(folder)
    secrets = signing.kept(place.secrets, VENUES)
    terraform = _terraform(places, place, emulator, settings, suffix, rights)
    with voice.step("terraform init") as step:
        terraform.prepare(folder)
        step.outcome = "the synthesized folder, unmodified"
    with voice.step("deployment") as step:
        changes = terraform.apply(_told(step))
        step.outcome = "nothing to change" if changes.none else str(changes)
    outputs = terraform.outputs()
    return Deployment(suffix, emulator, settings, outputs, secrets, terraform, changes)


def attach(places: Places, suffix: str, emulator: process.Emulator) -> Deployment:
    """An environment as it stands, nothing changed."""
    place = places.of(suffix)
    settings = _settings(place, None)
    terraform = _terraform(places, place, emulator, settings, suffix)
    secrets = signing.kept(place.secrets, VENUES)
    outputs = terraform.outputs()
    return Deployment(suffix, emulator, settings, outputs, secrets, terraform, Changes())


def down(voice: Voice, places: Places, suffixes: Iterable[str] | None = None) -> None:
    """Destroy environments (all of them by default), and the emulator with the last one.

    Raises `LocalError` when something is left that the design does not name.
    """
    emulator = process.running(places)
    wanted = places.deployed() if suffixes is None else list(suffixes)
    for suffix in wanted:
        place = places.of(suffix)
        if place.deployed and emulator is not None:
            _destroy(voice, places, place, emulator, suffix)
        elif place.deployed:
            voice.warn(f"{suffix}: the embedded AWS no longer runs, what stood in it went with it")
        else:
            voice.say(f"{suffix}: nothing stands")
        shutil.rmtree(place.folder)
    if places.deployed():
        voice.say(f"still up: {', '.join(places.deployed())}")
        return
    if emulator is not None:
        with voice.step("embedded AWS") as step:
            process.stop(places, emulator)
            step.outcome = f"stopped (process {emulator.pid})"
    shutil.rmtree(places.emulator, ignore_errors=True)
    shutil.rmtree(places.home / "stacks", ignore_errors=True)
    places.terraform_configuration.unlink(missing_ok=True)


def client(emulator: process.Emulator, service: str, region: str) -> Any:
    """A boto3 client of the emulator, with every right."""
    session = boto3.session.Session(
        embedded.ROOT_ACCESS_KEY_ID, embedded.ROOT_SECRET_ACCESS_KEY, region_name=region
    )
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 3},
        proxies={},
    )
    return session.client(service, endpoint_url=emulator.endpoint, config=config)


def synthesize(place: Place, suffix: str) -> Path:
    """Synthesize the stack in a process of its own; gives its folder."""
    shutil.rmtree(place.synthesis, ignore_errors=True)
    program = "import pathlib, sys, main; main.synthesize(pathlib.Path(sys.argv[1]))"
    variables = {
        f"TF_VAR_{naming.SUFFIX_VARIABLE}": suffix,
        stack_settings.OVERLAY_VARIABLE: str(place.overlay),
    }
    completed = _python("-c", program, str(place.synthesis), **variables)
    if completed.returncode:
        raise LocalError(
            f"the stack does not synthesize:\n{completed.stderr.strip()}",
            "Mend what it names; `make synth` shows the same.",
        )
    return place.synthesis / "stacks" / naming.stack_name(suffix)


def judge(folder: Path) -> str:
    """Have the gate judge a synthesized stack; raises `LocalError` unless it passes."""
    completed = _python("-m", "policies", str(folder), "--format", "json")
    next_step = f"`python -m policies {folder}` says more; nothing was deployed."
    try:
        verdict = json.loads(completed.stdout.splitlines()[-1])
        checked, waived = verdict["checked"], len(verdict["waived"])
    except (ValueError, LookupError, TypeError) as error:
        said = (completed.stderr + completed.stdout).strip()
        raise LocalError(f"the gate could not judge the stack:\n{said}", next_step) from error
    if findings := verdict["findings"]:
        lines = (f"  {each['policy']} {each['resource']}: {each['message']}" for each in findings)
        raise LocalError("the gate refuses the stack:\n" + "\n".join(lines), next_step)
    # A gate that looked at nothing has passed nothing, whatever its exit code.
    if completed.returncode or verdict["verdict"] != "pass" or not checked:
        raise LocalError(f"the gate could not judge the stack: {completed.stdout}", next_step)
    return f"passed: {checked} verdicts, {waived} waived with a reason"


def _started(voice: Voice, places: Places, port: int, time_scale: float) -> process.Emulator:
    with places.locked(), voice.step("embedded AWS") as step:
        emulator = process.running(places)
        if emulator is not None and emulator.healthy():
            step.outcome = f"already running at {emulator.endpoint}"
            return emulator
        if emulator is not None:
            process.stop(places, emulator)
        # A new emulator is empty, so a state from before its time describes nothing.
        for suffix in places.deployed():
            places.of(suffix).state.unlink()
        emulator = process.start(places, port, time_scale)
        step.outcome = f"{emulator.endpoint}, process {emulator.pid}"
        return emulator


def _destroy(
    voice: Voice, places: Places, place: Place, emulator: process.Emulator, suffix: str
) -> None:
    settings = _settings(place, None)
    terraform = _terraform(places, place, emulator, settings, suffix)
    with voice.step("destruction") as step:
        step.outcome = f"{suffix}: {terraform.destroy(_told(step))}"
    deployer.dismissed(client(emulator, "iam", settings.project.region), suffix)
    with voice.step("check") as step:
        left = leftovers.find(
            lambda service: client(emulator, service, settings.project.region),
            suffix,
            [other for other in places.deployed() if other != suffix],
        )
        if left.unexpected or terraform.resources():
            raise LocalError(
                f"{suffix}: destroyed, but this is left: "
                + ", ".join([*left.unexpected, *terraform.resources()]),
                "Run `python -m local down` again; what stays then is a fault in the stack.",
            )
        step.outcome = f"{suffix}: nothing is left but {left.expected}"


def variables(
    place: Place,
    emulator: process.Emulator,
    settings: stack_settings.Settings,
    suffix: str,
    rights: str | None = None,
) -> dict[str, str]:
    """The environment of a process that deploys: as the deployer, to the emulator alone.

    `rights` is the policy of whoever deploys, if not docs/deployer-policy.json.
    """
    region = settings.project.region
    iam, sts = client(emulator, "iam", region), client(emulator, "sts", region)
    besides = [deployer.EMAIL_POLICY] if _addressed(place, settings) else []
    besides += [deployer.RETENTION_POLICY] if settings.table.row_retention_days else []
    granted = rights or deployer.rights(suffix, *besides)
    session = deployer.signed_in(iam, sts, suffix, granted)
    found = isolated(emulator.endpoint, region, session)
    signing.kept(place.secrets, VENUES)
    found["TF_VAR_webhook_secrets"] = place.secrets.read_text()
    found[f"TF_VAR_{naming.SUFFIX_VARIABLE}"] = suffix
    return found


def _addressed(place: Place, settings: stack_settings.Settings) -> bool:
    """Whether an address is to be subscribed to the alarms, or is still, to be taken off."""
    if settings.alarms.email:
        return True
    return place.deployed and "aws_sns_topic_subscription" in place.state.read_text()


def _terraform(
    places: Places,
    place: Place,
    emulator: process.Emulator,
    settings: stack_settings.Settings,
    suffix: str,
    rights: str | None = None,
) -> Terraform:
    return Terraform(places, place, variables(place, emulator, settings, suffix, rights))


def _settings(
    place: Place, overlay: Mapping[str, Mapping[str, Any]] | None
) -> stack_settings.Settings:
    """The settings under an overlay, which is written first; None leaves what was written."""
    if overlay is not None or not place.overlay.exists():
        # A bucket for the state is AWS's: the local run keeps its own.
        tables = {"state": {"s3_bucket": ""}, **(overlay or {})}
        lines = ["# What the local run sets otherwise than stack/settings.toml."]
        for table, values in tables.items():
            lines += ["", f"[{table}]"]
            lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        place.overlay.write_text("\n".join(lines) + "\n")
    document = tomllib.loads(stack_settings.SETTINGS_FILE.read_text())
    for table, values in tomllib.loads(place.overlay.read_text()).items():
        document[table] |= values
    return stack_settings.parse(document)


def _python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a Python of this environment, as a command of this project is run."""
    return subprocess.run(
        (sys.executable, *arguments),
        cwd=ROOT,
        env={**cleaned(os.environ), **variables},
        capture_output=True,
        text=True,
    )


def _count(folder: Path) -> int:
    document = json.loads((folder / "cdk.tf.json").read_text())
    return sum(len(resources) for resources in document["resource"].values())


def _told(step: Step) -> Any:
    def told(progress: Progress) -> None:
        waiting = sorted(address.split(".")[0] for address in progress.under_way)
        step.update(progress.done, progress.total or None, ", ".join(dict.fromkeys(waiting)))

    return told
