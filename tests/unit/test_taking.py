"""What a provider returned is kept before anything else, and is in no reply."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mycoops import taking
from mycoops.secret import Secret, generate
from mycoops.vault import Store, password_secrets

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils"))

from mycoops_reply import Refusal
from mycoops_sealed import sealed

REQUEST = {"credential": "cloud", "generation": 2, "previous": 1, "slot": "b"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "group_vars" / "all").mkdir(parents=True)
    made = Store.open(tmp_path, password_secrets(generate("token").reveal()))
    made.add("cloud", "a", generate("token"))
    return made


def reply(value: str, used: str, **more: Any) -> dict[str, Any]:
    return {"done": True, "returned": sealed(value, used), **more}


def test_what_comes_back_is_kept_and_no_reply_holds_it(store: Store) -> None:
    used, value = taking.pad(), generate("token").reveal()
    told = reply(value, used, evidence={"echo": f"you sent {value}", "id": "7"})
    assert value not in json.dumps(told["returned"])
    found = taking.take(lambda: store, REQUEST, 2, told, used)
    assert (found["kept"], found["evidence"]["id"]) == (2, "7")
    assert value not in json.dumps(found)
    assert "returned" not in found
    assert store.secret("cloud", 2).same_as(Secret(value))
    assert store.slot("cloud", 2) == "b"


def test_a_value_is_kept_even_where_the_rest_went_wrong(store: Store) -> None:
    used, value = taking.pad(), generate("token").reveal()
    found = taking.take(lambda: store, REQUEST, 2, reply(value, used, error={"code": "half", "message": "half"}), used)
    assert found["error"]["code"] == "half"
    assert store.pending("cloud") == [2]


def test_a_kept_value_is_never_replaced_by_another(store: Store) -> None:
    first, used = generate("token"), taking.pad()
    store.put_pending("cloud", 2, "b", first)
    found = taking.take(lambda: store, REQUEST, 2, reply(generate("token").reveal(), used), used)
    assert found["error"]["code"] == "not_kept"
    assert store.secret("cloud", 2).same_as(first)


@pytest.mark.parametrize("value", ["ab#1", "x" * 20 + "\n" + "y" * 20], ids=["short", "two lines"])
def test_what_cannot_be_protected_is_told_apart_and_not_kept(store: Store, value: str) -> None:
    used = taking.pad()
    found = taking.take(lambda: store, REQUEST, 2, reply(value, used), used)
    assert found["error"]["code"] == "not_kept"
    assert value not in json.dumps(found)
    assert store.pending("cloud") == []


@pytest.mark.parametrize("blob", ["%%%", base64.b64encode(b"x" * 5000).decode()], ids=["not base64", "longer than the pad"])
def test_what_was_not_sealed_is_not_believed(store: Store, blob: str) -> None:
    found = taking.take(lambda: store, REQUEST, 2, {"done": True, "returned": blob}, taking.pad())
    assert found["error"]["code"] == "not_kept"
    assert store.pending("cloud") == []


def test_a_disk_that_takes_nothing_is_told(store: Store) -> None:
    def full() -> Store:
        raise OSError(28, "No space left on device")

    used = taking.pad()
    found = taking.take(full, REQUEST, 2, reply(generate("token").reveal(), used), used)
    assert "No space left on device" in found["error"]["message"]


def test_a_value_longer_than_the_pad_is_refused_on_the_host() -> None:
    with pytest.raises(Refusal, match="too_long"):
        sealed("x" * 5000, taking.pad())


def test_an_order_whose_value_is_kept_asks_nobody(store: Store) -> None:
    assert taking.already(store, REQUEST) is None
    store.put_pending("cloud", 2, "b", generate("token"))
    assert taking.already(store, REQUEST) == {"done": True, "changed": False, "kept": 2}
    assert taking.already(store, {**REQUEST, "generation": 1}) == {"done": True, "changed": False, "kept": 1}


def test_what_is_kept_is_named_newest_first(store: Store) -> None:
    assert [one["generation"] for one in taking.others(store, REQUEST)] == [1]
    assert taking.following(store, REQUEST) == 3
    store.put_pending("cloud", 5, "", generate("token"))
    assert [one["generation"] for one in taking.others(store, REQUEST)] == [5, 1]
    assert taking.following(store, REQUEST) == 6
