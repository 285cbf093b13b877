"""The schema that editors use says what `check` says, and the one in docs/ is that of this version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from mycoops import schema
from mycoops.catalogue import catalogue_path
from tests.unit.fleets import document

ROOT = Path(__file__).resolve().parents[2]
FLEETS = sorted(path for path in (ROOT / "inventory").iterdir() if path.is_dir())


def validator() -> Draft202012Validator:
    """Of the schema as made."""
    made = json.loads(schema.text())
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_the_schema_in_the_documentation_is_current() -> None:
    kept = (ROOT / "docs" / "catalogue.schema.json").read_text(encoding="utf-8")
    assert kept == schema.text(), "`make schema` writes it anew"


@pytest.mark.parametrize("fleet", FLEETS, ids=lambda path: path.name)
def test_every_fleet_fits_and_names_the_schema_to_an_editor(fleet: Path) -> None:
    path = catalogue_path(fleet)
    text = path.read_text(encoding="utf-8")
    assert list(validator().iter_errors(yaml.safe_load(text))) == []
    named = path.parent / text.splitlines()[0].removeprefix(schema.HEADER)
    assert named.resolve() == ROOT / "docs" / "catalogue.schema.json"


def service(data: dict[str, Any]) -> dict[str, Any]:
    """The first service of a document."""
    return data["mycoops_services"]["api"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(mycoops_secrets={}),
        lambda d: service(d).update(colour="red"),
        lambda d: service(d).update(container={"name": "c", "image": "i"}),
        lambda d: service(d).pop("unit"),
        lambda d: service(d).update(apply="reboot"),
        lambda d: service(d)["env_file"].update(readers=["perl"]),
        lambda d: service(d)["env_file"].update(readers=[]),
        lambda d: service(d)["env_file"].update(mode=384),
        lambda d: d["mycoops_credentials"]["db"].update(category="fax"),
        lambda d: d["mycoops_credentials"]["db"].update(item="fax"),
        lambda d: d["mycoops_credentials"]["db"].update(consumers=[]),
        lambda d: d["mycoops_credentials"]["db"].pop("authority"),
        lambda d: d["mycoops_not_applicable"].update(fax="no"),
        lambda d: d["mycoops_fleet"].update(vault_password={"file": "f", "script": "s"}),
        lambda d: d["mycoops_fleet"].update(soak_seconds=-1),
    ],
)
def test_what_check_refuses_the_schema_refuses(change: Any) -> None:
    data = json.loads(json.dumps(document()))
    assert validator().is_valid(data)
    change(data)
    assert not validator().is_valid(data)


def test_every_key_of_the_fleet_s_own_declarations_is_explained() -> None:
    made = json.loads(schema.text())["$defs"]
    silent = [
        f"{name}.{key}"
        for name in ("Service", "Credential", "Fleet", "EnvFile", "Authority", "Consumer")
        for key, value in made[name]["properties"].items()
        if "description" not in value and "$ref" not in json.dumps(value)
    ]
    assert silent == []
    assert all(part.get("description") for part in made.values())
