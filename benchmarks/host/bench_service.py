"""The smallest service that is worth a restart: healthy with all of its variables, and it counts how often it was started."""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PORT = 8000
STARTS = Path("/var/lib/bench/starts")


class Handler(BaseHTTPRequestHandler):
    """Answers on every path with how it feels."""

    def do_GET(self) -> None:
        held = sum(1 for name, value in os.environ.items() if name.startswith("BENCH_") and value)
        complete = held == int(os.environ["EXPECTED"])
        body = json.dumps({"status": "ok" if complete else "incomplete"}).encode()
        self.send_response(200 if complete else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the measured machine has better things to do."""


if __name__ == "__main__":
    with STARTS.open("a", encoding="utf-8") as stream:
        stream.write(f"{os.getpid()}\n")
    HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
