"""Makes the code that runs on hosts importable here too, so that there is one env-file codec and not two."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from mycoops import content


def load(name: str) -> ModuleType:
    """Import one of plugins/module_utils by its name, for example `mycoops_encoding`."""
    place = str(content.path("plugins") / "module_utils")
    if place not in sys.path:
        sys.path.append(place)
    return importlib.import_module(name)
