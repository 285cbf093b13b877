"""Every kind through its own task files: an item of references goes in, one judged reply comes out, and no value is left behind."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from kind_options import table, with_table
from kind_servers import Postgres, Redis, WebServer

from mycoops import content
from mycoops.leaks.known import Known
from mycoops.model import Reply
from mycoops.runner import Environment, Run, Runner
from mycoops.secret import Secret, generate
from mycoops.values import scram_verifier
from mycoops.vault import Store, password_secrets

FIXTURES = Path(__file__).parents[2] / "fixtures"
ACTS: dict[str, set[str]] = {
    "O1": {"mint", "revoke"},
    "O2": {"mint", "revoke"},
    "O3": {"revoke"},
    "O4": {"cutover"},
    "O5": {"cutover"},
    "O6": set(),
    "O7": {"refresh"},
}
"""The entries that change something, by class; a person does so in the others."""
KINDS = sorted(path.parents[1].name for path in content.path("roles").glob("kind_*/meta/kind.yml"))


class Fleet:
    """One host, this machine, and a store with two generations of whatever a test names."""

    def __init__(self, home: Path) -> None:
        self.home, password = home, generate("token").reveal()
        (home / "group_vars" / "all").mkdir(parents=True)
        (home / "password").write_text(password)
        local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": "/usr/bin/python3"}
        (home / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": local}}}))
        self.store = Store.open(home, password_secrets(password))
        self.values: dict[tuple[str, int], str] = {}

    def add(self, credential: str, shape: str = "token") -> tuple[str, str]:
        """Store the generations 1 and 2 of a credential; returns their values."""
        for number in (1, 2):
            value: Secret = generate(shape)
            self.store.put_pending(credential, number, "", value)
            self.values[credential, number] = value.reveal()
        return self.values[credential, 1], self.values[credential, 2]

    def item(self, kind: str, entry: str, subject: str = "new", **more: Any) -> dict[str, Any]:
        def reference(number: int) -> dict[str, Any]:
            shape = "ed25519" if kind == "ssh_key" else "token"
            return {"$form": "<value>", "credential": kind, "generation": number, "shape": shape}

        value = reference(1 if subject == "old" else 2)
        base = {"id": f"{kind}/{entry}/{subject}", "kind": kind, "entry": entry, "credential": kind, "host": "here"}
        principals = {"principal": "app_a" if subject == "old" else "app_b", "previous_principal": "app_a"}
        numbers = {"generation": 2, "previous": 1, "subject": subject}
        values = {"value": value | ({"random": True} if subject == "random" else {}), "previous_value": reference(1)}
        return {**base, **numbers, **principals, **values, **more}

    def run(self, items: list[dict[str, Any]], playbook: str = "move") -> Callable[..., Reply]:
        """Carry the items out in one start; no artifact of it may hold a value."""
        directory = self.home / f"session{len(list(self.home.glob('session*')))}"
        directory.mkdir()
        paths = {"inventory": self.home / "hosts.yml", "known_hosts": self.home / "known", "password_file": self.home / "password"}
        roles = (content.path("roles"), FIXTURES)
        environment = Environment(self.home, directory, agent_socket=None, forks=1, roles_paths=roles, **paths)
        known = Known(self.store)
        runner = Runner(environment, known.masker, lambda host, task: None, known.found)
        outcome = runner.perform(Run(playbook, ("here",), {"mycoops_items": {"here": items}, "mycoops_store": str(self.home)}))
        assert outcome.problems == {}
        assert outcome.leaks == []
        replies = {item["id"]: [reply for reply in outcome.replies if reply.item == item["id"]] for item in items}
        assert all(replies.values()), f"no reply to {[name for name, found in replies.items() if not found]}"

        def of(kind: str, entry: str, subject: str = "new") -> Reply:
            found = replies[f"{kind}/{entry}/{subject}"]
            return next((reply for reply in found if reply.error), found[-1])

        return of


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def both_valid(fleet: Fleet, kind: str, **more: Any) -> list[dict[str, Any]]:
    return [fleet.item(kind, "probe", subject, **more) for subject in ("random", "new", "old")]


def test_the_kinds_with_an_authority_of_their_own(fleet: Fleet, postgres: Postgres, redis_server: Redis, tmp_path: Path) -> None:
    postgres.slots("app")
    fleet.add("postgresql")
    old, _ = fleet.add("redis")
    admin, _ = fleet.add("redis_admin")
    fleet.add("ssh_key", "ed25519")
    token, _ = fleet.add("appctl")
    postgres.sql(f"ALTER ROLE app_a LOGIN PASSWORD '{scram_verifier(fleet.values['postgresql', 1])}'")
    users = (
        f"user admin on #{sha256(admin.encode()).hexdigest()} ~* &* +@all\nuser app on #{sha256(old.encode()).hexdigest()} +@all\n"
    )
    redis_server.start(f"user default off -@all\n{users}")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / "tokens").write_text(sha256(token.encode()).hexdigest() + "\n")

    administrator = {"$form": "<value>", "credential": "redis_admin", "generation": 1}
    user = {"principal": "app", "previous_principal": "app", "admin_value": administrator, "admin_principal": "admin"}
    sql = {"options": postgres.options(host="here")}
    cache = {"options": redis_server.options(host="here"), **user}
    key = {"options": {"account": getpass.getuser(), "path": str(tmp_path / ".ssh" / "authorized_keys")}}
    tool = {"options": {"program": str(FIXTURES / "appctl"), "file": str(tmp_path / "tokens")}}
    of = fleet.run(
        [
            *(fleet.item("postgresql", entry, **sql) for entry in ("preflight", "mint", "parity", "drain")),
            *both_valid(fleet, "postgresql", **sql),
            *(fleet.item("redis", entry, **cache) for entry in ("preflight", "mint", "parity")),
            *both_valid(fleet, "redis", **cache),
            *(fleet.item("ssh_key", entry, **key) for entry in ("preflight", "mint", "parity", "revoke", "persist")),
            *(fleet.item("appctl", entry, **tool) for entry in ("preflight", "mint")),
            *both_valid(fleet, "appctl", **tool),
        ]
    )
    for kind in ("postgresql", "redis", "appctl"):
        assert of(kind, "preflight").data["done"] is True
        assert of(kind, "mint").data["changed"] is True
        outcomes = [of(kind, "probe", subject).outcome for subject in ("random", "new", "old")]
        assert outcomes == ["refused", "accepted", "accepted"]
    for kind in ("postgresql", "redis", "ssh_key"):
        assert of(kind, "parity").data["equal"] is True
    assert of("postgresql", "drain").data["in_use"] == 0
    assert of("ssh_key", "persist").data["persisted"] is True

    ended = [(kind, more) for kind, more in (("postgresql", sql), ("redis", cache), ("appctl", tool))]
    of = fleet.run(
        [
            *(
                fleet.item(kind, entry, **more)
                for kind, more in ended
                for entry in ("revoke", "persist")
                if (kind, entry) != ("appctl", "persist")
            ),
            *(fleet.item(kind, "probe", subject, **more) for kind, more in ended for subject in ("new", "old")),
        ]
    )
    for kind, _ in ended:
        assert of(kind, "revoke").error == {}
        assert [of(kind, "probe", subject).outcome for subject in ("new", "old")] == ["accepted", "refused"]
    assert of("postgresql", "persist").data["persisted"] is True
    assert of("redis", "persist").data["persisted"] is True


def test_who_still_tries_a_retired_login_is_told_without_its_value(fleet: Fleet, postgres: Postgres, redis_server: Redis) -> None:
    postgres.slots("app")
    fleet.add("postgresql")
    fleet.add("redis")
    admin, _ = fleet.add("redis_admin")
    users = "user app_a on ~* +@all\nuser app_b off ~* +@all\n"
    redis_server.start(f"user default off -@all\nuser admin on #{sha256(admin.encode()).hexdigest()} ~* &* +@all\n{users}")
    administrator = {"$form": "<value>", "credential": "redis_admin", "generation": 1}
    sql = {"options": postgres.options(host="here", log_file=str(postgres.home / "log"))}
    cache = {"options": redis_server.options(host="here"), "admin_value": administrator, "admin_principal": "admin"}
    first = {"generation": 1, "principal": "app_a", "value": {"$form": "<value>", "credential": "redis", "generation": 1}}
    of = fleet.run(
        [
            fleet.item("redis", "mint", **cache, **first),
            fleet.item("postgresql", "mint", **sql),
            *(fleet.item(kind, entry, **more) for kind, more in (("redis", cache),) for entry in ("preflight", "drain", "parity")),
        ]
    )
    assert of("redis", "preflight").error == {}
    assert of("redis", "drain").data["in_use"] == 0
    assert of("redis", "parity").data["equal"] is False
    of = fleet.run(
        [
            fleet.item("redis", "mint", **cache),
            *both_valid(fleet, "redis", **cache),
            *(
                fleet.item(kind, entry, **more)
                for kind, more in (("redis", cache), ("postgresql", sql))
                for entry in ("revoke", "persist")
            ),
        ]
    )
    assert [of("redis", "probe", subject).outcome for subject in ("random", "new", "old")] == ["refused", "accepted", "accepted"]
    assert of("redis", "revoke").error == {}
    assert of("redis", "persist").error == {}
    assert of("redis", "persist").data["persisted"] is True

    since = time.time()
    tries = [
        fleet.item(kind, "probe", subject, **more)
        for kind, more in (("redis", cache), ("postgresql", sql))
        for subject in ("old", "random")
    ]
    of = fleet.run(tries)
    for kind in ("redis", "postgresql"):
        fleet.store.drop_pending(kind, 1)
    more = {"since": since, "hosts": {"here": ["here"]}}
    of = fleet.run([fleet.item("redis", "sightings", **cache, **more), fleet.item("postgresql", "sightings", **sql, **more)])
    for kind in ("redis", "postgresql"):
        (one,) = of(kind, "sightings").data["sightings"]
        assert (one["address"], one["host"], one["count"]) == ("127.0.0.1", "here", 1), "the random one was of the login in force"


def test_the_kinds_whose_authority_is_a_service(fleet: Fleet, web: WebServer) -> None:
    fleet.add("jwt_key")
    _, new = fleet.add("service_token")
    web.answer = lambda headers: 200 if headers.get("X-Service-Token") == new else 401
    options = {"options": {"url": web.url, "verify_url": web.url}}
    items = [fleet.item(kind, "preflight", **options) for kind in ("jwt_key", "service_token")]
    of = fleet.run(items + both_valid(fleet, "service_token", **options) + both_valid(fleet, "jwt_key", **options))
    assert of("service_token", "preflight").data["done"] is True
    assert of("jwt_key", "preflight").data["done"] is True
    outcomes = [of("service_token", "probe", subject).outcome for subject in ("random", "new", "old")]
    assert outcomes == ["refused", "accepted", "refused"]
    assert of("jwt_key", "probe").outcome == "refused"


def test_a_trusting_server_stops_the_preflight(fleet: Fleet, postgres: Postgres) -> None:
    postgres.slots("trusting")
    postgres.sql("ALTER ROLE trusting_b LOGIN")
    fleet.add("postgresql")
    names = {"principal": "trusting_b", "previous_principal": "trusting_a", "options": postgres.options()}
    of = fleet.run([fleet.item("postgresql", "preflight", **names)])
    assert of("postgresql", "preflight").error["code"] == "cannot_verify"


def test_the_playbook_of_moves_has_no_logic() -> None:
    play = yaml.safe_load((content.path("playbooks") / "move.yml").read_text())[0]
    assert [key for key in play if key not in ("name", "hosts", "strategy", "gather_facts", "tasks")] == []
    task = play["tasks"][0]
    assert task["ansible.builtin.include_role"] == {
        "name": "kind_{{ mycoops_item.kind }}",
        "tasks_from": "{{ mycoops_item.entry }}",
    }
    assert task["loop_control"] == {"loop_var": "mycoops_item", "label": "{{ mycoops_item.id }}"}


@pytest.mark.parametrize(
    "role", [*(content.path("roles") / name for name in KINDS), FIXTURES / "kind_appctl"], ids=lambda role: role.name
)
def test_a_kind_has_the_entries_it_declares(role: Path) -> None:
    declared = yaml.safe_load((role / "meta" / "kind.yml").read_text())
    optional = {"preflight": "preflight", "parity": "parity", "drain": "drain", "persist": "persistence", "sightings": "sightings"}
    wanted = ({"probe"} if declared.get("provable", True) else set()) | {
        entry for entry, name in optional.items() if name in declared["capabilities"]
    }
    if declared["accepts_by"] == "role":
        wanted |= ACTS[declared["overlap"]]
        wanted -= {"revoke"} if declared.get("revoked_by") == "person" else set()
    wanted |= {"stage", "confirm", "restore"} if "stage" in declared["capabilities"] else set()
    assert {path.stem for path in (role / "tasks").glob("*.yml")} == wanted
    assert set(yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]) == wanted


@pytest.mark.parametrize("name", KINDS)
def test_a_readme_holds_the_table_of_its_options(name: str) -> None:
    role = content.path("roles") / name
    readme = (role / "README.md").read_text()
    assert readme == with_table(readme, role)
    assert table(role) in readme
