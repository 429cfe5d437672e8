"""What a benchmark starts beside nginx: the upstream with its limits, the mirror, and olah, each as real processes."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from benchmarks.capped import Traffic
from benchmarks.environments import home, install
from benchmarks.measure import give_up
from benchmarks.nginx import Tls, free_port, wait_for_port
from benchmarks.subject import REPO, WEIGHTS, Subject
from curator.settings import Settings
from fixtures.mirror import MirrorProcess

ROOT = Path(__file__).parents[1]
INFO = f"/api/models/{REPO}"
_OLAH_START_S = 60.0
_ADMITTED_WITHIN_S = 300.0


class Upstream:
    """`benchmarks.capped` over a repository; a context manager."""

    def __init__(
        self,
        folder: Path,
        subject: Subject,
        *,
        latency_ms: float = 0.0,
        connection_mb_s: float | None = None,
        total_mb_s: float | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        listing = folder / "subject.json"
        subject.save(listing)
        self._command = [sys.executable, "-m", "benchmarks.capped", "--subject", str(listing)]
        self._command += ["--latency-ms", str(latency_ms)]
        self._command += ["--connection-mb-s", str(connection_mb_s)] if connection_mb_s else []
        self._command += ["--total-mb-s", str(total_mb_s)] if total_mb_s else []
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.cdn_url = ""

    def traffic(self) -> Traffic:
        """What it was asked and sent so far."""
        with urlopen(f"{self.url}/_bench/traffic") as answer:
            return Traffic(**json.load(answer))

    def forget(self) -> None:
        """Count from nought."""
        urlopen(Request(f"{self.url}/_bench/traffic", method="DELETE")).close()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the upstream did not start")
        said = json.loads(line)
        self.url, self.cdn_url = said["url"], said["cdn"]
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


def mirror(
    data: Path,
    upstream: Upstream,
    *,
    processes: int = 1,
    tls: Tls | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> MirrorProcess:
    """The mirror, not yet started, with these settings beside its defaults."""
    settings = dict(settings)
    if processes > 1:
        settings["server_processes"] = str(processes)
    if tls is not None:
        settings |= {"tls_certificate": str(tls.certificate), "tls_key": str(tls.key)}
    for name in settings:
        if name not in Settings.model_fields:
            give_up(f"This mirror has no setting {name} yet: measure without the option that needs it.")
    return MirrorProcess(data, upstream.url, {f"CURATOR_{name.upper()}": value for name, value in settings.items()})


def admit(mirror: MirrorProcess, token: str | None = None) -> None:
    """Ask for the repository until the mirror has decided to serve it."""
    deadline = time.monotonic() + _ADMITTED_WITHIN_S
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # A certificate is one that the benchmark itself made a moment ago.
    context = ssl._create_unverified_context()  # noqa: SLF001
    while True:
        try:
            urlopen(Request(mirror.url + INFO, headers=headers), context=context).close()
        except HTTPError as error:
            if time.monotonic() > deadline or "being" not in str(error.headers.get("X-Error-Message")):
                raise RuntimeError(f"the mirror does not serve {REPO}: {error.read().decode()[:2_000]}") from None
            time.sleep(0.05)
        else:
            return


def new_token(mirror: MirrorProcess) -> str:
    """A developer's token, as an administrator makes it."""
    command = [sys.executable, "-m", "curator.cli", "token", "create", "benchmark", "--data", str(mirror.data)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def weights_of(url: str, path: str = WEIGHTS) -> str:
    """The address of a file at whoever speaks the Hub's protocol."""
    return f"{url}/{REPO}/resolve/main/{path}"


class Olah:
    """olah in front of an upstream, over a folder of its own; a context manager."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self._folder = folder
        self._port = free_port()
        self._upstream = upstream
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        here, there = urlsplit(self.url).netloc, urlsplit(self._upstream.url).netloc
        command = [str(home("olah") / "bin" / "olah-cli"), "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--hf-scheme", "http", "--hf-netloc", there]
        command += ["--hf-lfs-netloc", urlsplit(self._upstream.cdn_url).netloc]
        command += ["--mirror-scheme", "http", "--mirror-netloc", here, "--mirror-lfs-netloc", here]
        command += ["--repos-path", str(self._folder / "repos"), "--log-path", str(self._folder / "logs")]
        log = self._folder / "olah.out"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environment["NO_PROXY"] = environment["no_proxy"] = "127.0.0.1"
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=self._folder)
        wait_for_port(self._port, self._process, log, _OLAH_START_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def install_olah() -> None:
    """An environment of its own for it, made once for each version of its lock."""
    install("olah", "leave it out with --without-olah")
