"""What a runner of GitHub has beside its jobs: the address where one asks for its identity token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote


@contextmanager
def github(token: str, audience: str) -> Iterator[str]:
    """Where a runner's job asks for its identity token (ACTIONS_ID_TOKEN_REQUEST_URL)."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = f"audience={quote(audience, safe='')}"
            right = self.headers["Authorization"] == "Bearer runner" and asked in self.path
            self.send_response(200 if right else 403)
            self.end_headers()
            self.wfile.write(json.dumps({"value": token}).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/token?api-version=2"
        server.shutdown()
