"""An inventory is read as Ansible reads it, or refused with its line: nothing in it is passed over with a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mycoops import inventory
from mycoops.errors import ConfigurationError, Invalid


def hosts(directory: Path, text: str, name: str = "hosts.yml") -> frozenset[str]:
    """The hosts of an inventory with this text."""
    (directory / name).write_text(text)
    return inventory.hosts(directory)


@pytest.mark.parametrize(
    "text",
    [
        "all:\n  hosts:\n    a:\n    b: {ansible_port: 1}\n",
        "all:\n  hosts: {a: }\n  children:\n    web:\n      hosts:\n        b:\n      vars: {x: 1}\n    empty:\n",
        "all:\n  hosts:\n    a:\n      ansible_password: !vault |\n        x\n    b:\n",
        "web:\n  hosts:\n    a:\ndb:\n  hosts:\n    b:\n",
    ],
)
def test_the_hosts_of_all_groups_are_found(tmp_path: Path, text: str) -> None:
    assert hosts(tmp_path, text) == {"a", "b"}


def test_an_ini_inventory_is_one_too(tmp_path: Path) -> None:
    assert hosts(tmp_path, "[web]\na\nb ansible_port=1\n", "hosts.ini") == {"a", "b"}


def test_a_range_is_as_many_hosts(tmp_path: Path) -> None:
    assert hosts(tmp_path, 'all:\n  hosts:\n    "h[1:3]":\n') == {"h1", "h2", "h3"}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("all:\n  hosts:\n  - a\n", 2, "all.hosts is not a mapping"),
        ("all:\n  hosts:\n    a: 192.0.2.1\n", 3, "the host a is not a mapping"),
        ("all:\n  host:\n    a:\n", 2, "all has the unknown key host. One of: hosts, children, vars."),
        ("all:\n  children:\n    web:\n      a:\n", 4, "all.children.web has the unknown key a"),
        ("all:\n  children:\n    web: [a]\n", 3, "the group all.children.web is not a mapping"),
        ("all: a\n", 1, "the group all is not a mapping"),
        ("- a\n", 1, "an inventory is a mapping of groups"),
        ("", 1, "an inventory is a mapping of groups"),
        ("all:\n  hosts:\n    a:\n    a:\n", 4, "a stands here for the second time"),
        ("all:\n  hosts:\n    a: {x: [}\n", 3, "not YAML"),
        ("all:\n<<<<<<< HEAD\n  hosts:\n", 2, "an unresolved merge conflict"),
        ('all:\n  hosts:\n    "h[1:x]":\n', 1, "Ansible cannot read this inventory"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, line: int, problem: str
) -> None:
    with pytest.raises(Invalid) as caught:
        hosts(tmp_path, text)
    assert caught.value.message.startswith(f"{tmp_path / 'hosts.yml'}:{line}: ")
    assert problem in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_an_ini_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="Ansible cannot read this inventory"):
        hosts(tmp_path, "[web\na\n", "hosts.ini")


def test_a_fleet_without_inventory_is_told_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"hosts\.yml does not exist"):
        inventory.hosts(tmp_path)


def test_the_address_of_a_host_is_what_ssh_uses(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(
        yaml.safe_dump(
            {
                "all": {
                    "vars": {"ansible_host": "192.0.2.1"},
                    "hosts": {"one": None},
                    "children": {
                        "web": {
                            "vars": {"ansible_host": "192.0.2.2"},
                            "hosts": {"two": None, "three": {"ansible_host": "three.example"}, "four": {"ansible_host": "{{ x }}"}},
                        }
                    },
                }
            }
        )
    )
    assert inventory.addresses(tmp_path) == {"one": "192.0.2.1", "two": "192.0.2.2", "three": "three.example", "four": "four"}


def test_a_host_without_an_address_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[web]\none\ntwo ansible_host=2001:db8::2\n")
    assert inventory.addresses(tmp_path) == {"one": "one", "two": "2001:db8::2"}


def test_the_variables_of_files_beside_it_count_and_no_vault_is_opened(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    one:\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "one.yml").write_text("ansible_host: 192.0.2.9\n")
    (tmp_path / "group_vars" / "all").mkdir(parents=True)
    (tmp_path / "group_vars" / "all" / "vault.yml").write_text("value: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n")
    assert inventory.addresses(tmp_path) == {"one": "192.0.2.9"}
