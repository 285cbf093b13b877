"""Takes a list of tokens from its environment and lets in who shows one; says on /health how many there are. Python 3.9."""

import http.server
import os
import sys

ACCEPTED = [token for token in os.environ.get("TOKENS", "").split(",") if token]


class Handler(http.server.BaseHTTPRequestHandler):
    """GET /health answers anybody, everything else wants `X-Service-Token`."""

    def do_GET(self):
        known = self.path == "/health" or self.headers.get("X-Service-Token", "") in ACCEPTED
        body = b'{"tokens": "%d", "token": "%s"}' % (len(ACCEPTED), b"set" if os.environ.get("TOKEN") else b"missing")
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing of a request is logged."""


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
