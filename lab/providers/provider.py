"""What every provider is: documented routes over a state in memory, steps of a person, and switches for what goes wrong."""

from __future__ import annotations

import contextlib
import copy
import inspect
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from clock import Clock
from credentials import Credential, Keyring, Propagation
from faults import BadSwitch, Faults, Switch
from wire import BadBody, Lost, Refused, Reply, Request, decoded

Method = TypeVar("Method", bound=Callable[..., Any])
CALLS_KEPT = 2000
_ROUTES, _WAITS, _CONSOLE = "provider_routes", "provider_waits", "provider_console"


class BadStep(ValueError):
    """A step of a person that cannot be taken."""


def route(method: str, path: str, waits: bool = False) -> Callable[[Method], Method]:
    """Serve a documented path; `{name}` is one segment of it. What `waits` takes the lock itself, for as long as it needs it."""

    def mark(function: Method) -> Method:
        vars(function).setdefault(_ROUTES, []).append((method, path))
        vars(function)[_WAITS] = waits
        return function

    return mark


def console(function: Method) -> Method:
    """A step that only a person can take, in the provider's own pages."""
    vars(function)[_CONSOLE] = True
    return function


class Provider:
    """One provider; subclasses add routes, console steps, and the bodies of their errors."""

    NAME: ClassVar[str]
    HOSTS: ClassVar[tuple[str, ...]] = ()
    """The names under which production reaches it."""
    PLACES: ClassVar[str] = ""
    """What the first segment behind the name is where there is more than one of it: a node, an instance."""
    SETTINGS: ClassVar[dict[str, Any]] = {}
    """What is documented as a number, so that it can be made smaller."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.lock = clock, threading.RLock()
        self._routes: list[tuple[str, str, re.Pattern[str], Callable[..., Reply]]] = [
            (method, path, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), function)
            for name, function in _methods(self)
            for method, path in getattr(function, _ROUTES, ())
        ]
        # A fixed segment goes before a placeholder: /verify before /{token}.
        self._routes.sort(key=lambda found: (found[1].count("{"), found[1]))
        self.steps: dict[str, Callable[..., Any]] = {
            name: function for name, function in _methods(self) if hasattr(function, _CONSOLE)
        }
        self.reset()

    def reset(self) -> None:
        """Forget everything: accounts, credentials, switches, calls."""
        with self.lock:
            self.faults, self.propagation = Faults(), Propagation()
            self.settings = copy.deepcopy(self.SETTINGS)
            self.calls: deque[dict[str, Any]] = deque(maxlen=CALLS_KEPT)
            self.keys = Keyring(self.clock, self.propagation)
            self.begin()

    # What a subclass says.

    def begin(self) -> None:
        """Make the state anew."""

    def error(self, status: int, message: str) -> Reply:
        """A refusal in this provider's own words."""
        return Reply(status, {"message": message})

    def throttled(self, seconds: int) -> Reply:
        reply = self.error(429, "Too Many Requests")
        reply.headers["Retry-After"] = str(seconds)
        return reply

    def presented(self, request: Request) -> str:
        """The secret a request carries, wherever this provider looks for it."""
        return request.bearer()

    def state(self) -> dict[str, Any]:
        """What a person sees in the provider's pages; no value is shown twice."""
        return {"credentials": [self.shown(credential) for credential in self.keys.every()]}

    def shown(self, credential: Credential) -> dict[str, Any]:
        now = self.clock.now()
        return {
            "id": credential.id, "name": credential.name, "listed": credential.listed, "expires": credential.expires,
            "alive": credential.alive.settled() and not credential.expired(now), "last_used": credential.last_used,
        }  # fmt: skip

    # What a subclass uses.

    def admitted(self, request: Request, credential: Credential | None, refusal: Reply) -> Credential:
        """The credential, noted as used; raises the refusal where there is none, and where a switch takes its permission."""
        if credential is None:
            raise Refused(refusal)
        request.credential, credential.last_used = credential.id, self.clock.now()
        if self.faults.take("forbid", request.method, self._matched(request)[0]):
            raise Refused(self.forbidden())
        return credential

    def forbidden(self) -> Reply:
        return self.error(403, "Forbidden")

    def listed(self, identity: str) -> Credential:
        """A credential by its id, for a step of a person."""
        if not (found := self.keys.by_id(identity)):
            raise BadStep(f"there is no credential {identity}")
        return found

    # What the server uses.

    def _matched(self, request: Request) -> tuple[str, Callable[..., Reply] | None, dict[str, str], bool]:
        """The route of a request: its path, its method of ours, its parameters, and whether the path has any method at all."""
        seen = False
        for method, path, pattern, function in self._routes:
            if found := pattern.fullmatch(request.path):
                if method == request.method:
                    return path, function, {name: decoded(value) for name, value in found.groupdict().items()}, True
                seen = True
        return "", None, {}, seen

    def answer(self, request: Request) -> Reply:
        """The reply to a request, with what the switches do to it; raises Lost where there is to be none."""
        path, function, parameters, seen = self._matched(request)
        if late := self.faults.take("latency", request.method, path):
            time.sleep(late.seconds)
        try:
            reply, fault = self._before(request, path) or self._answered(request, path, function, parameters, seen)
        except Lost:
            self._note(request, path, 0, "lost_reply")
            raise
        if reply.status >= 400 and self.faults.take("echo", request.method, path):
            reply, fault = quoting(reply, self.presented(request)), fault or "echo"
        self._note(request, path, reply.status, fault or ("latency" if late else ""))
        return reply

    def _before(self, request: Request, path: str) -> tuple[Reply, str] | None:
        with self.lock:
            if slow := self.faults.take("throttle", request.method, path):
                return self.throttled(slow.retry_after), "throttle"
            if broken := self.faults.take("error", request.method, path, after_effect=False):
                return self.error(broken.status, "Internal Server Error"), "error"
        return None

    def _answered(
        self, request: Request, path: str, function: Callable[..., Reply] | None, parameters: dict[str, str], seen: bool
    ) -> tuple[Reply, str]:
        if function is None:
            return self.error(405 if seen else 404, "Method Not Allowed" if seen else "Not Found"), ""
        try:
            with contextlib.nullcontext() if getattr(function, _WAITS) else self.lock:
                reply = function(request, **parameters)
        except Refused as refused:
            return refused.reply, ""
        except BadBody:
            return self.error(400, "Problems parsing JSON"), ""
        with self.lock:
            if lost := self.faults.take("lost_reply", request.method, path):
                raise Lost(lost.seconds)
            broken: Switch | None = self.faults.take("error", request.method, path, after_effect=True)
        return (self.error(broken.status, "Internal Server Error"), "error") if broken else (reply, "")

    def _note(self, request: Request, path: str, status: int, fault: str) -> None:
        self.calls.append(
            {"at": self.clock.now(), "method": request.method, "path": path, "place": request.place,
             "status": status, "credential": request.credential, "fault": fault}
        )  # fmt: skip

    def switch(self, given: Mapping[str, Any]) -> None:
        """Set a switch; raises BadSwitch."""
        with self.lock:
            if given.get("switch") != "propagation":
                self.faults.set(given)
                return
            new, old = float(given.get("new_seconds", 0)), float(given.get("old_seconds", 0))
            if strange := set(given) - {"switch", "new_seconds", "old_seconds", "place"}:
                raise BadSwitch(f"unknown: {', '.join(sorted(strange))}")
            if given.get("place"):
                self.propagation.places[str(given["place"])] = (new, old)
            else:
                self.propagation.new_seconds, self.propagation.old_seconds = new, old

    def clear_switches(self) -> None:
        with self.lock:
            self.faults.clear()
            self.propagation.new_seconds = self.propagation.old_seconds = 0.0
            self.propagation.places.clear()

    def take_step(self, name: str, given: Mapping[str, Any]) -> Any:
        """A person's step; raises BadStep where there is none of that name, or not with these parameters."""
        if name not in self.steps:
            raise BadStep(f"{self.NAME} has no step {name}; there are {', '.join(sorted(self.steps))}")
        try:
            inspect.signature(self.steps[name]).bind(**given)
        except TypeError as error:
            raise BadStep(f"{name}{inspect.signature(self.steps[name])}: {error}") from error
        with self.lock:
            return self.steps[name](**given)

    def served(self) -> list[str]:
        """Method and path of every route."""
        return [f"{method} {path}" for method, path, _, _ in self._routes]

    def signatures(self) -> dict[str, str]:
        """Every step of a person, with its parameters."""
        return {
            name: ", ".join(
                f"{one.name}" if one.default is one.empty else f"[{one.name}]"
                for one in inspect.signature(step).parameters.values()
            )
            for name, step in self.steps.items()
        }

    def set(self, given: Mapping[str, Any]) -> None:
        """Change settings; raises BadStep for one that does not exist."""
        if strange := set(given) - set(self.settings):
            raise BadStep(f"{self.NAME} has no setting {', '.join(sorted(strange))}; there are {', '.join(sorted(self.settings))}")
        self.settings.update(given)


def _methods(provider: Provider) -> list[tuple[str, Callable[..., Any]]]:
    return [(name, function) for name, function in inspect.getmembers(provider, callable) if not name.startswith("__")]


def quoting(reply: Reply, secret: str) -> Reply:
    """The reply with the secret in its body, as careless providers do."""
    if isinstance(reply.body, dict):
        return Reply(reply.status, {**reply.body, "received": secret}, reply.headers, reply.reason)
    return Reply(reply.status, f"{reply.body or ''} received: {secret}", reply.headers, reply.reason)
