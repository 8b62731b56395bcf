"""The stack folder holds the document and its packages alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies.model.document import WRITTEN_LATER
from policies.model.stack import Given, Resource, Stack
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem

DOCUMENT_FILE = "cdk.tf.json"
# What Terraform or OpenTofu reads on its own.
READ = re.compile(r"\.(tf|tofu|tfvars)(\.json)?$", re.ASCII)
FOLDERS = {"assets", ".terraform"}
# `terraform workspace select` notes its choice here, and a local state of another workspace is
# another file: https://developer.hashicorp.com/terraform/language/state/workspaces
SELECTION = Path(".terraform") / "environment"


class StackFolder(Policy):
    """Override files, variable files and stray configuration change what is deployed."""

    id = "CKV_PRICE_24"
    name = "The stack folder holds cdk.tf.json and the functions' packages, no link, nothing else"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/files/override"
    fix = "Remove the file, or synthesize into an empty folder."
    applies_to = (DOCUMENT,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Name each file that does not belong; a lone document has no folder of its own."""
        if stack.given is Given.ALONE:
            return
        packages = {
            stack.folder / str(function.body.literal("filename"))
            for function in stack.of("aws_lambda_function")
        }
        assets = stack.folder / "assets"
        for path in sorted(assets.rglob("*")) if stack.given is Given.FOLDER else []:
            name = path.relative_to(stack.folder).as_posix()
            if path.is_symlink():
                yield Problem(f"{name} is a link", address=f"file.{name}")
            elif path not in packages and not path.is_dir():
                yield Problem(f"{name} is no function's package", address=f"file.{name}")
        selection = stack.folder / SELECTION
        if selection.is_file() and selection.read_text("utf-8", "replace").strip() != "default":
            name = SELECTION.as_posix()
            yield Problem(f"{name} selects another workspace", address=f"file.{name}")
        for path in sorted(stack.folder.iterdir()):
            if path.is_symlink() and path.name != ".terraform":
                # What it leads to can change when the folder does not.
                yield Problem(f"{path.name} is a link", address=f"file.{path.name}")
            elif path.is_dir():
                if stack.given is Given.FOLDER and path.name not in FOLDERS:
                    yield Problem(f"the folder {path.name} does not belong here")
            elif not _own(path.name) and (stack.given is Given.FOLDER or READ.search(path.name)):
                yield Problem(f"{path.name} does not belong here", address=f"file.{path.name}")


def _own(name: str) -> bool:
    return name == DOCUMENT_FILE or WRITTEN_LATER.fullmatch(name) is not None


offer(StackFolder, __name__)
