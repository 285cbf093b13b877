"""The whole way with `mycoops rotate`: this machine is the host that asks the provider server, and a kill comes in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from provider_fleet import listed

from mycoops import durable
from mycoops.checklist import ITEMS
from mycoops.vault import Store, password_secrets
from tests.processes import descendants, works
from tests.providers.server import Providers

pytestmark = pytest.mark.slow

MYCOOPS = Path(sys.executable).with_name("mycoops")
DAY = 86400


class Home:
    """A fleet of one host without services, whose credentials the rotator uses itself."""

    def __init__(self, root: Path, providers: Providers) -> None:
        self.providers, self.root, self.fleet = providers, root, root / "fleet"
        (self.fleet / "group_vars" / "all").mkdir(parents=True)
        # Nobody's account has no fence: a real one would be kept on the machine that runs the tests.
        nobody = {"ansible_become_method": "su", "ansible_become_user": "nobody", "ansible_become_flags": "-s /bin/sh"}
        local = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
        host = local | (nobody if os.geteuid() == 0 else {"ansible_become": False})
        (self.fleet / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": host}}}))
        durable.replace(root / "password", b"p" * 40)
        for name, value in self._made().items():
            self.run("provide", name, *self.slot(name), stdin=value)

    def slot(self, _: str) -> tuple[str, ...]:
        """In which slot a first value is: here none has any."""
        return ()

    def _made(self) -> dict[str, str]:
        step = self.providers.step
        cloud = step("cloudflare", "create_token", name="web", permissions={"Zone Read": "*"})
        maker = step("cloudflare", "create_token", name="maker", permissions={"API Tokens Write": "user"})
        app = step("quickbooks", "create_app", name="books")
        books = step("quickbooks", "consent", app=app["id"], company="Spores Ltd", realm="7")
        self._declare(app["id"])
        made = {"cloud": cloud, "maker": maker, "books": books, "app": app}
        return {name: one["value"] for name, one in made.items()}

    def _declare(self, app: str) -> None:
        intuit = {"base_url": f"{self.providers.url}/quickbooks", "client_id": app}
        cloudflare = {"base_url": f"{self.providers.url}/cloudflare", "soak_seconds": 0, "read": "/client/v4/zones"}
        company = {"company_url": intuit["base_url"], "realm": "7"}

        def declared(kind: str, category: str, admin: str = "", **options: Any) -> dict[str, Any]:
            authority = {"host": "here", "options": options, **({"admin": admin} if admin else {})}
            return {"kind": kind, "category": category, "authority": authority, "consumers": [{"rotator": True}]}

        catalogue = {
            "mycoops_fleet": {
                "name": "tale", "owner": "nobody", "soak_seconds": 0, "vault_password": {"file": str(self.root / "password")}
            },
            "mycoops_credentials": {
                "cloud": declared("cloudflare_token", "api_keys", "maker", **cloudflare),
                "maker": declared("cloudflare_token", "api_keys", "maker", **cloudflare),
                "books": declared("quickbooks_oauth", "oauth", "app", **intuit, **company),
                "app": declared("quickbooks_app", "oauth", **intuit),
            },
            "mycoops_not_applicable": dict.fromkeys(ITEMS, "nothing here uses it"),
        }  # fmt: skip
        (self.fleet / "group_vars" / "all" / "catalogue.yml").write_text(yaml.safe_dump(catalogue))

    def begin(self, *arguments: str, stdin: str = "") -> subprocess.Popen[str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        own = {"HOME": str(self.root), "MYCOOPS_FLEET": str(self.fleet), "MYCOOPS_STATE": str(self.root / "state")}
        out = (self.root / "said").open("a")
        process = subprocess.Popen(
            [MYCOOPS, *arguments], stdin=subprocess.PIPE, stdout=out, stderr=out, text=True, env=kept | own, start_new_session=True
        )
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        return process

    def run(self, *arguments: str, status: int = 0, stdin: str = "") -> None:
        done = self.begin(*arguments, stdin=stdin).wait(timeout=240)
        assert done == status, f"status {done}\n{self.said}"

    def kill_when_made(self, provider: str, count: int, *arguments: str) -> None:
        """Kill everything once the provider has made what its lost answer would have shown."""
        running = self.begin(*arguments)
        deadline = time.monotonic() + 120
        while len(self.providers.ask("GET", f"/{provider}")["credentials"]) < count:
            assert time.monotonic() < deadline, self.said
            assert running.poll() is None, self.said
            time.sleep(0.05)
        playbooks = [pid for pid in descendants(running.pid) if works(pid, b"ansible-playbook")]
        assert playbooks, "nobody waits for the answer"
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        while any(works(pid, b"ansible-playbook") for pid in playbooks):
            assert time.monotonic() < deadline, "a playbook outlives its controller"
            time.sleep(0.01)
        faults = [call["fault"] for call in self.providers.ask("GET", f"/{provider}/calls")]
        assert faults[-1] == "lost_reply", "the answer was not lost: the kill is a race with its writing"
        self.providers.ask("DELETE", f"/{provider}/switches")

    @property
    def said(self) -> str:
        return (self.root / "said").read_text()

    @property
    def store(self) -> Store:
        return Store.open(self.fleet, password_secrets("p" * 40))

    def state(self, credential: str) -> str:
        (self.root / "said").write_text("")
        self.run("status", "--json")
        return str(next(one["state"] for one in json.loads(self.said) if one["credential"] == credential))

    def silent(self) -> None:
        """No value is in what was said, nor in a file of the fleet's that is no ciphertext."""
        files = [path for path in self.fleet.rglob("*") if path.is_file()]
        texts = [self.said, *(path.read_text() for path in files)]
        for credential, generation, secret in self.store.secrets():
            assert not any(secret.reveal() in text for text in texts), f"{credential} g{generation}"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    server = Providers()
    try:
        yield Home(tmp_path, server)
    finally:
        assert server.stop() == ""


def test_tokens_and_their_maker_are_rotated_to_the_end(home: Home) -> None:
    home.run("check")
    home.run("rotate", "cloud", "maker", "--yes")
    assert (home.state("cloud"), home.state("maker")) == ("CLOSED", "CLOSED")
    names = listed(home.providers, "cloudflare")
    assert [name.rpartition("/")[0] for name in names] == ["mycoops/cloud/g2", "mycoops/maker/g2"], "the old ones are gone"
    home.silent()


def test_a_kill_between_the_effect_and_the_write_leaves_no_orphan(home: Home) -> None:
    home.providers.switch("cloudflare", "lost_reply", method="POST", seconds=60)
    home.kill_when_made("cloudflare", 3, "rotate", "cloud", "--yes")
    assert home.store.pending("cloud") == [], "the value of the third one is known to nobody"
    home.run("resume")
    assert home.state("cloud") == "CLOSED"
    assert [name.rpartition("/")[0] or name for name in listed(home.providers, "cloudflare")] == ["maker", "mycoops/cloud/g2"]
    home.silent()


def test_after_the_same_kill_the_way_back_deletes_the_orphan(home: Home) -> None:
    home.providers.switch("cloudflare", "lost_reply", method="POST", seconds=60)
    home.kill_when_made("cloudflare", 3, "rotate", "cloud", "--yes")
    home.run("abort")
    assert listed(home.providers, "cloudflare") == ["maker", "web"]
    assert home.state("cloud") == "ABORTED"


def test_a_grant_is_refreshed_and_closed_a_day_later(home: Home) -> None:
    home.run("rotate", "books", "--yes", status=6)
    assert home.state("books") == "REVOKE_PENDING"
    home.providers.later(DAY + 1)
    home.run("resume")
    assert home.state("books") == "CLOSED"
    assert home.store.meta("books").generation == 2  # type: ignore[union-attr]
    assert home.store.pending("books") == [3], "what the proof brought back is kept, and the next rotation begins with it"
    home.providers.later(DAY + 1)
    home.run("rotate", "books", "--yes")
    assert home.store.meta("books").generation == 4  # type: ignore[union-attr]
    assert home.store.pending("books") == [], "generation 3 led to 4, so that the proof used nothing up"
    home.silent()


def test_a_kill_between_a_refresh_and_its_write_loses_no_grant(home: Home) -> None:
    home.providers.switch("quickbooks", "lost_reply", method="POST", seconds=60)
    home.kill_when_made("quickbooks", 2, "rotate", "books", "--yes")
    assert home.store.pending("books") == []
    home.run("resume", status=6)
    assert home.store.meta("books").generation == 2  # type: ignore[union-attr]
    refreshed = [one for one in home.providers.ask("GET", "/quickbooks")["credentials"] if one["name"] == "refresh"]
    assert len(refreshed) == 2, "the very value that was lost"
    home.silent()
