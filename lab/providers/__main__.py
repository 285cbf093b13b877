"""Serves the providers and their control API until SIGTERM; says on standard output, in one line of JSON, where."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import threading
from pathlib import Path

from certificates import serving
from clock import Clock
from control import Control
from registry import Registry
from wire import Server

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="providers", description=__doc__)
    parser.add_argument(
        "--listen", type=address, default=("127.0.0.1", 0), help="HOST:PORT of the providers; port 0 takes a free one"
    )
    parser.add_argument("--control", type=address, default=("127.0.0.1", 0), help="HOST:PORT of the control API")
    parser.add_argument("--tls", action="store_true", help="serve the providers over TLS, with a certificate made now")
    parser.add_argument("--ca-file", type=Path, help="where to write the certificate that clients have to trust")
    parser.add_argument(
        "--name", action="append", default=[], help="another name or address the certificate is for; may be repeated"
    )
    return parser.parse_args()


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    given, registry = arguments(), Registry(Clock())
    names = list(dict.fromkeys(["localhost", "127.0.0.1", socket.gethostname(), *registry.hosts(), *given.name]))
    context, certificate = serving(names) if given.tls else (None, "")
    if certificate and given.ca_file:
        given.ca_file.write_text(certificate)
    providers = Server(given.listen, registry.answer, context)
    control = Server(given.control, Control(registry, certificate).answer)
    for server in (providers, control):
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    scheme = "https" if context else "http"
    told = {"url": f"{scheme}://{_at(providers)}", "control": f"http://{_at(control)}"}
    print(json.dumps(told), flush=True)
    signal.sigwait(SIGNALS)


def _at(server: Server) -> str:
    return f"{server.server_name}:{server.server_port}"


if __name__ == "__main__":
    main()
