"""The control API: what only tests and persons do. Values come back once, from the step that made them; mycoops never asks here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clock import Clock
from faults import KINDS, BadSwitch
from provider import BadStep, Provider
from registry import Registry
from wire import BadBody, Reply, Request, decoded

Action = Callable[[Request], Any]


class Control:
    """Answers on a port of its own, without authentication: it listens where only the lab comes."""

    def __init__(self, registry: Registry, certificate: str) -> None:
        self._registry, self._certificate = registry, certificate

    def answer(self, request: Request) -> Reply:
        """The reply: 200 with what was asked for, 400 with what is wrong with it, 404 with what there is."""
        segments = [decoded(segment) for segment in request.path.split("/") if segment]
        try:
            action = self._action(request.method, segments)
            if action is None:
                return Reply(404, {"error": "no such action; GET / lists the providers and their steps"})
            return Reply(200, action(request))
        except (BadStep, BadSwitch, BadBody) as error:
            return Reply(400, {"error": str(error)})
        except (TypeError, ValueError, KeyError) as error:
            return Reply(400, {"error": f"{type(error).__name__}: {error}"})

    def _action(self, method: str, segments: list[str]) -> Action | None:
        own: dict[tuple[str, ...], Action] = {
            ("GET",): lambda _: {name: described(provider) for name, provider in self._registry.providers.items()},
            ("GET", "switches"): lambda _: KINDS,
            ("GET", "ca.pem"): lambda _: self._certificate,
            ("GET", "clock"): lambda _: {"now": self._registry.clock.now()},
            ("POST", "clock"): lambda request: moved(self._registry.clock, **request.json()),
            ("POST", "reset"): lambda _: self._reset(),
        }
        if found := own.get((method, *segments)):
            return found
        provider = self._registry.providers.get(segments[0]) if segments else None
        return _for(provider, method, segments[1:]) if provider else None

    def _reset(self) -> dict[str, Any]:
        self._registry.clock.reset()
        for provider in self._registry.providers.values():
            provider.reset()
        return {}


def _for(provider: Provider, method: str, segments: list[str]) -> Action | None:
    """What can be done with one provider."""
    if len(segments) == 2 and (method, segments[0]) == ("POST", "console"):
        return lambda request: provider.take_step(segments[1], request.json())
    actions: dict[tuple[str, ...], Action] = {
        ("GET",): lambda _: provider.state(),
        ("POST", "reset"): lambda _: done(provider.reset),
        ("GET", "settings"): lambda _: provider.settings,
        ("PATCH", "settings"): lambda request: done(lambda: provider.set(request.json())),
        ("GET", "switches"): lambda _: provider.faults.shown(),
        ("POST", "switches"): lambda request: done(lambda: provider.switch(request.json())),
        ("DELETE", "switches"): lambda _: done(provider.clear_switches),
        ("GET", "calls"): lambda _: list(provider.calls),
        ("DELETE", "calls"): lambda _: done(provider.calls.clear),
    }
    return actions.get((method, *segments))


def done(action: Callable[[], None]) -> dict[str, Any]:
    action()
    return {}


def moved(clock: Clock, seconds: float) -> dict[str, Any]:
    clock.advance(seconds)
    return {"now": clock.now()}


def described(provider: Provider) -> dict[str, Any]:
    """What a provider has, for whoever drives it."""
    return {
        "hosts": list(provider.HOSTS), "places": provider.PLACES, "routes": provider.served(),
        "steps": provider.signatures(), "settings": provider.SETTINGS,
    }  # fmt: skip
