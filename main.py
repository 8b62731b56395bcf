"""Synthesizes the stack and lets the policies judge it: `python main.py`, or by any cdktf command.

Exit codes: 0 the stack is synthesized and breaks no policy; 1 it breaks one, or its settings are
wrong; 2 it could not be synthesized or judged. The suffix comes from TF_VAR_environmentSuffix,
ENVIRONMENT_SUFFIX, or cdktf's context.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from stack import cost, naming, node, packaging, settings

ROOT = Path(__file__).resolve().parent


class CannotSynthesize(RuntimeError):
    """Something that synthesis needs is missing; the message says what and how to get it."""


def synthesize(outdir: Path | None = None) -> Path:
    """Synthesize the stack and return its folder, without judging it.

    `outdir` is cdktf's output folder; without it, the one that the cdktf command names in
    CDKTF_OUTDIR, else `cdktf.out` beside this file. The stack folder holds `cdk.tf.json` and the
    functions' zips, and can be moved: nothing in it points outside, except the local state's path.
    """
    chosen = settings.load()
    suffix = naming.suffix_from_environment(_context().get(naming.SUFFIX_VARIABLE))
    codes = {function: packaging.package(ROOT, function) for function in chosen.functions}
    target = (outdir or Path(os.environ.get("CDKTF_OUTDIR") or ROOT / "cdktf.out")).absolute()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotSynthesize(
            f"the output folder {target} cannot be made: {error.strerror}. Remove what is in its "
            "place, or name another in CDKTF_OUTDIR."
        ) from error
    try:
        from stack.bindings import App
        from stack.pipeline import PipelineStack
    except ImportError as error:
        raise CannotSynthesize(
            f"CDKTF cannot be loaded: {error}. Run `make setup` and activate its environment "
            "(`source .venv/bin/activate`), or use `make`, which does."
        ) from error
    app = App(outdir=str(target))
    PipelineStack(app, chosen, suffix, codes)
    _forget_other_stacks(target, keep=naming.stack_name(suffix))
    app.synth()
    folder = target / "stacks" / naming.stack_name(suffix)
    shutil.rmtree(folder / packaging.ASSETS, ignore_errors=True)
    for code in codes.values():
        code.write(folder)
    return folder


def _forget_other_stacks(target: Path, keep: str) -> None:
    """Remove what an earlier synthesis of another suffix left: the manifest names one stack."""
    for document in target.glob("stacks/*/cdk.tf.json"):
        if document.parent.name != keep:
            shutil.rmtree(document.parent)


def _context() -> dict[str, Any]:
    """Read the context that the cdktf command hands over, else that of `cdktf.json`."""
    handed = os.environ.get("CDKTF_CONTEXT_JSON")
    source = "CDKTF_CONTEXT_JSON" if handed else "cdktf.json"
    try:
        document = json.loads(handed or (ROOT / "cdktf.json").read_text(encoding="utf-8"))
        context = document if handed else document.get("context", {})
        if not isinstance(context, dict):
            raise TypeError(f"the context is {context!r}, expected an object")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CannotSynthesize(f"{source} cannot be read: {error}; correct it") from error
    return context


def main() -> int:
    """Synthesize and judge; return the exit code."""
    try:
        # First, so that nothing is left that no policy has seen.
        from policies import gate
    except ImportError as error:
        return _complain(
            f"the policies cannot be loaded, so nothing is synthesized: {error}. Restore "
            "policies/, run `make setup` and activate its environment.",
            code=2,
        )
    try:
        cost.require_within_budget(settings.load())
        folder = synthesize()
    except (settings.SettingsError, naming.SuffixError, packaging.PackagingError) as error:
        return _complain(str(error), code=1)
    except (CannotSynthesize, node.MissingNode) as error:
        return _complain(str(error), code=2)
    gate.enforce(folder)
    print(f"{folder.name} is synthesized and breaks no policy: {folder}")
    return 0


def _complain(message: str, code: int) -> int:
    print(f"main.py: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
