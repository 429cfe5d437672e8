"""nginx as the mirror's rival: a repository as static files, and a cache in front of an upstream."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

from benchmarks.measure import program
from benchmarks.subject import REPO, Subject
from fixtures.hub import documents

_START_S = 10.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Until something listens there. Raises with the end of the log when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    process.kill()
    raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text()[-2_000:]}")


class Nginx:
    """A process of it on a free port; a context manager."""

    def __init__(self, folder: Path, server: str, *, http: str = "", workers: int = 1, tls: Tls | None = None) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        temporary = "".join(
            f"  {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        certificate = f"    ssl_certificate {tls.certificate};\n    ssl_certificate_key {tls.key};\n" if tls else ""
        self._text = (
            f"daemon off;\n{'user root;' if os.geteuid() == 0 else ''}\nworker_processes {workers};\n"
            f"pid {folder}/pid;\nevents {{ worker_connections 1024; }}\n"
            "http {\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 100000000;\n"
            f"  default_type application/octet-stream;\n{temporary}{http}"
            f"  server {{\n    listen 127.0.0.1:{self._port}{' ssl' if tls else ''};\n{certificate}{server}  }}\n}}\n"
        )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration, log = self._folder / "nginx.conf", self._folder / "error.log"
        configuration.write_text(self._text)
        log.touch()
        command = [program("nginx"), "-e", str(log), "-c", str(configuration)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for_port(self._port, self._process, log, _START_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


class Tls:
    """A certificate for 127.0.0.1 that nobody else trusts."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command += ["-keyout", str(self.key), "-out", str(self.certificate)]
        subprocess.run(command, check=True, capture_output=True)


def static(folder: Path, subject: Subject, *, workers: int = 1, tls: Tls | None = None) -> Nginx:
    """The repository as static files with the headers that a Hub client needs: the way without a mirror."""
    folder.mkdir(parents=True, exist_ok=True)
    repo = subject.hub_repo()
    commit = repo.commits[0]
    info = folder / "info.json"
    info.write_text(json.dumps(documents.info(repo, commit)))
    tree = folder / "tree.json"
    tree.write_text(json.dumps([documents.entry(commit, path, expand=False) for path in sorted(commit.files)]))
    lines = []
    for revision in ("main", commit.sha):
        documented = {"": info, f"/revision/{revision}": info, f"/tree/{revision}": tree}
        lines += [
            f"    location = /api/models/{REPO}{name} {{ alias {path}; types {{ }} default_type application/json; }}\n"
            for name, path in documented.items()
        ]
        for file in subject.files:
            etag = commit.files[file.path].etag
            lines.append(
                f"    location = /{REPO}/resolve/{revision}/{quote(file.path)} {{\n      alias {file.source};\n"
                f"      etag off;\n      add_header ETag '\"{etag}\"';\n      add_header X-Repo-Commit {commit.sha};\n"
                f"      add_header X-Linked-Etag '\"{etag}\"';\n      add_header X-Linked-Size {file.size};\n    }}\n"
            )
    return Nginx(folder, "".join(dict.fromkeys(lines)), workers=workers, tls=tls)


def caching(folder: Path, origin: str, *, workers: int = 1) -> Nginx:
    """A proxy_cache in front of an origin: one fetch for all who ask, kept on the disk, sent on while it arrives."""
    http = f"  proxy_cache_path {folder}/cache keys_zone=kept:8m max_size=200g inactive=1d use_temp_path=off;\n"
    server = (
        f"    location / {{\n      proxy_pass {origin};\n      proxy_http_version 1.1;\n"
        '      proxy_set_header Connection "";\n      proxy_cache kept;\n      proxy_cache_valid 200 1d;\n'
        "      proxy_cache_key $uri$is_args$args;\n      proxy_cache_lock on;\n"
        "      proxy_cache_lock_timeout 1h;\n      proxy_cache_lock_age 1h;\n    }\n"
    )
    return Nginx(folder, server, http=http, workers=workers)
