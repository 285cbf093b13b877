#!/usr/bin/python3
"""A module as careless authors write them: whatever it is given comes out, in the way it is told."""

from __future__ import annotations

import sys

from ansible.module_utils.basic import AnsibleModule

SAID_PLAINLY = ("no_json", "broken_json", "trailing", "stderr")


def say(how, value):
    """Answer in a way that is no answer of a module."""
    if how == "stderr":
        sys.stderr.write(value)
        sys.exit(1)
    print({"no_json": value, "broken_json": '{"msg": "' + value, "trailing": '{"changed": false}\n' + value}[how])
    sys.exit(0)


def main():
    ways = ["crash", "warn", "deprecate", "fail", "fail_with_exception", "results", "facts", *SAID_PLAINLY]
    parameters = {
        "how": {"choices": ways},
        "value": {},
        "hidden": {"no_log": True},
        "number": {"type": "int"},
    }
    module = AnsibleModule(parameters, supports_check_mode=True)
    how, value = module.params["how"], module.params["value"] or module.params["hidden"] or ""
    if how in SAID_PLAINLY:
        say(how, value)
    if how == "crash":
        raise RuntimeError("it was " + value)
    if how == "fail_with_exception":
        module.fail_json(msg="no", exception="Traceback: it was " + value)
    if how == "fail":
        module.fail_json(msg="it was " + value)
    if how == "warn":
        module.warn("it is " + value)
    if how == "deprecate":
        module.deprecate("it is " + value, version="9.9", collection_name="ansible.builtin")
    told = {"results": {"results": [{"msg": value}]}, "facts": {"ansible_facts": {"told": value}}}
    module.exit_json(changed=False, **told.get(how, {}))


if __name__ == "__main__":
    main()
