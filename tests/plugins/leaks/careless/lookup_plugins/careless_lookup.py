"""A lookup that says in its error what it was given."""

from __future__ import annotations

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """What Ansible looks for."""

    def run(self, terms, variables=None, **kwargs):
        raise AnsibleLookupError(f"nothing under {terms}")
