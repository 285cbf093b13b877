"""Finds what ships beside the code (playbooks, roles, plugins, lab): in the checkout first, else in the wheel."""

from __future__ import annotations

from pathlib import Path

from mycoops.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parent
PACKAGE_ROOT = _PACKAGE.parent
"""The directory from which `import mycoops` works."""


def path(name: str) -> Path:
    """The absolute path of a shipped file or folder; raises ConfigurationError when the installation lacks it."""
    for root in (_PACKAGE.parent, _PACKAGE / "_content"):
        if (root / name).exists() and (root is not _PACKAGE.parent or (root / "pyproject.toml").exists()):
            return root / name
    raise ConfigurationError(f"this installation lacks {name}", hint="install mycoops again, from a wheel or a full checkout")
