"""Removes every known value, in every form, from whatever Ansible displays."""

from __future__ import annotations

import sys
from functools import wraps
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from mycoops import bridge, children
from mycoops.errors import MycoopsError
from mycoops.masking import Masker

RUNNERS = "awx_display"
"""The callback through which ansible-runner hears of events."""

DOCUMENTATION = """
name: mycoops_mask
type: aggregate
short_description: masks the values of the fleet's store in all output
description:
  - Registers every value of the store when the playbook starts and masks all its forms in everything that is displayed,
    warnings, deprecations, exceptions and debugging output included, in the log file, and in the events of ansible-runner.
  - Where the extra variable C(mycoops_bound) names the process that started it, the playbook ends with that one.
  - The store is the extra variable C(mycoops_store), else the directory of the first inventory source.
requirements:
  - enabled with C(callbacks_enabled)
"""


class CallbackModule(CallbackBase):
    """Masks what is displayed, logged and told to ansible-runner, once per process; without a store it masks nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mycoops_mask"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook):
        """Register before the first task is forked, so that workers inherit the wrapped method and the opened store."""
        if bound := load_extra_vars(playbook._loader).get("mycoops_bound"):
            children.end_with_parent(int(bound))
        masker = self.masker(playbook._loader)
        if masker:
            install(masker)

    def masker(self, loader):
        """Return a masker of the store, or None where there is nothing to open."""
        secrets = loader._vault.secrets
        fleet = fleet_of(loader)
        if not secrets or not fleet:
            return None
        try:
            store = bridge.open_store(fleet, secrets)
            return Masker(secret.reveal() for _, _, secret in store.secrets())
        except (MycoopsError, OSError) as error:
            self._display.warning(f"mycoops_mask masks nothing: {getattr(error, 'message', type(error).__name__)}")
            return None


def fleet_of(loader):
    """Return the fleet directory this run was started with."""
    named = load_extra_vars(loader).get("mycoops_store")
    sources = [source for source in context.CLIARGS.get("inventory") or () if "," not in source]
    path = Path(named or (sources[0] if sources else ""))
    if not named and not sources:
        return None
    return path if path.is_dir() else path.parent


def install(masker):
    """Wrap what everything goes through that is displayed, logged or asked, and what ansible-runner is told of."""
    shown, logged, asked = Display.display, Display._log, Display.prompt

    def masked(msg):
        return masker.mask(msg) if isinstance(msg, str) else msg

    @wraps(shown)
    def display(self, msg, *args, **kwargs):
        return shown(self, masked(msg), *args, **kwargs)

    @wraps(logged)
    def _log(self, msg, *args, **kwargs):
        return logged(self, masked(msg), *args, **kwargs)

    @wraps(asked)
    def prompt(msg, *args, **kwargs):
        return asked(masked(msg), *args, **kwargs)

    Display.display, Display._log, Display.prompt = display, _log, staticmethod(prompt)
    for name in [name for name in sys.modules if name.rpartition(".")[2] == RUNNERS]:
        mask_events(sys.modules[name], masker)


def mask_events(module, masker):
    """Mask events before ansible-runner's own callback writes each to a file, where the runner finds it."""
    made = module.EventContext.get_begin_dict

    @wraps(made)
    def get_begin_dict(self):
        return masker.scrub(made(self))

    module.EventContext.get_begin_dict = get_begin_dict
