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

from stack import naming, settings

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
    try:
        from stack.bindings import App
        from stack.pipeline import PipelineStack
    except ImportError as error:
        raise CannotSynthesize(
            f"CDKTF cannot be loaded: {error}. Run `make setup` and activate its environment "
            "(`source .venv/bin/activate`), or use `make`, which does."
        ) from error
    target = outdir or Path(os.environ.get("CDKTF_OUTDIR") or ROOT / "cdktf.out")
    app = App(outdir=str(target))
    stack = PipelineStack(app, chosen, suffix, ROOT)
    app.synth()
    folder = target / "stacks" / naming.stack_name(suffix)
    shutil.rmtree(folder / "assets", ignore_errors=True)
    for code in stack.codes.values():
        archive = folder / code.path
        archive.parent.mkdir(exist_ok=True)
        archive.write_bytes(code.package.archive)
    return folder


def _context() -> dict[str, str]:
    """Read the context that the cdktf command hands over, else that of `cdktf.json`."""
    handed = os.environ.get("CDKTF_CONTEXT_JSON")
    text = handed if handed else (ROOT / "cdktf.json").read_text(encoding="utf-8")
    document = json.loads(text)
    return document if handed else document.get("context", {})


def main() -> int:
    """Synthesize and judge; return the exit code."""
    from stack.packaging import PackagingError

    try:
        folder = synthesize()
    except (settings.SettingsError, naming.SuffixError, PackagingError) as error:
        print(f"main.py: {error}", file=sys.stderr)
        return 1
    except CannotSynthesize as error:
        print(f"main.py: {error}", file=sys.stderr)
        return 2
    try:
        from policies import gate
    except ImportError as error:
        print(
            f"main.py: the policies cannot be loaded, so the stack is not judged: {error}. Run "
            "`make setup` and activate its environment.",
            file=sys.stderr,
        )
        return 2
    return gate.enforce(folder)


if __name__ == "__main__":
    sys.exit(main())
