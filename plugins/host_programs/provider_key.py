"""A key of a provider that a person makes, asked for by declaration: control, probe, and what the new one sees of the old one's."""

from __future__ import annotations

import typing

import mycoops_provider_key as key


def run(request: typing.Mapping[str, typing.Any]) -> typing.Dict[str, typing.Any]:
    """Carry out `preflight`, `probe` or `parity` for the service that the request declares."""
    if request["entry"] == "preflight":
        return key.preflight(request)
    if request["entry"] == "parity":
        return key.parity(request)
    return key.probe(request, request["value"], request.get("subject", "new"))
