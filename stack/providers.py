"""Where Terraform gets the AWS provider from: a mirror on this machine, else the registry.

A filesystem mirror is a folder that holds `registry.terraform.io/hashicorp/aws/…`. Terraform only
uses one that a CLI configuration names, so one is written whenever a mirror is found.
https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".tools" / "providers"
_PROVIDER = Path("registry.terraform.io") / "hashicorp" / "aws"


def configuration(
    version: str,
    variables: Mapping[str, str],
    cache: Path = CACHE,
    mirrors: Iterable[Path] | None = None,
) -> str:
    """The text of a CLI configuration under which `terraform init` finds provider `version`.

    What comes from the registry is kept in `cache`, so that it is fetched once.

    A configuration that the user made and that says where providers come from is theirs to
    decide: then its text is given back as it is.
    """
    theirs = Path(variables.get("TF_CLI_CONFIG_FILE") or Path.home() / ".terraformrc")
    if theirs.is_file() and "provider_installation" in (text := theirs.read_text()):
        return text
    for mirror in usual_places(variables) if mirrors is None else mirrors:
        if holds(mirror, version):
            return (
                "provider_installation {\n"
                "  filesystem_mirror {\n"
                f'    path    = "{mirror}"\n'
                '    include = ["registry.terraform.io/hashicorp/aws"]\n'
                "  }\n"
                "  direct {\n"
                '    exclude = ["registry.terraform.io/hashicorp/aws"]\n'
                "  }\n"
                "}\n"
            )
    cache.mkdir(parents=True, exist_ok=True)
    return f'plugin_cache_dir = "{cache}"\n'


def holds(mirror: Path, version: str) -> bool:
    """Whether `mirror` has the provider for this machine, unpacked or as the zip of a release."""
    target = platform_name()
    return (mirror / _PROVIDER / version / target).is_dir() or (
        mirror / _PROVIDER / f"terraform-provider-aws_{version}_{target}.zip"
    ).is_file()


def usual_places(variables: Mapping[str, str]) -> Iterator[Path]:
    """Where mirrors usually are: Terraform's own places, then add-on software, then the home."""
    if named := variables.get("TF_PLUGIN_MIRROR"):
        yield Path(named)
    home = Path.home()
    yield home / ".terraform.d" / "plugins"
    yield home / ".local" / "share" / "terraform" / "plugins"
    yield Path("/usr/local/share/terraform/plugins")
    yield Path("/usr/share/terraform/plugins")
    # Two levels below each: /opt/<mirror>, /opt/<package>/<mirror>, ~/<mirror>, ...
    for above in (Path("/opt"), Path("/usr/local/share"), Path("/srv"), home):
        for pattern in ("*", "*/*"):
            yield from sorted(_folders(above, pattern))


def platform_name() -> str:
    """Tell this machine as Terraform calls it, like `linux_amd64`."""
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}_{architecture}"


def _folders(above: Path, pattern: str) -> Iterator[Path]:
    # Listing a home can fail half-way (permissions, dangling mounts): then it holds no mirror.
    try:
        for candidate in above.glob(pattern):
            if os.access(candidate / _PROVIDER, os.R_OK):
                yield candidate
    except OSError:
        return
