"""Makes one HTTP request from the host and names its outcome; the response is never returned."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

Command = action_loader.get("mycoops_command", class_only=True)


class ActionModule(Command):
    """Args: `url`, `method`, `headers`, `body` (each may hold references), `outcomes`, `ca_file`, `timeout`, `fail_on_error`."""

    _VALID_ARGS = frozenset(("url", "method", "headers", "body", "outcomes", "ca_file", "timeout", "fail_on_error"))
    PROGRAM = "http_outcome.py"

    def refuse(self, request):
        """Say what is missing before anything is sent."""
        if not request.get("url") or not isinstance(request.get("outcomes"), dict):
            raise AnsibleActionFail("mycoops_http needs `url` and `outcomes`, a mapping of outcome to conditions.")
