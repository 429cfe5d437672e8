"""The mirror behind a certificate of its own: the same answers, where the kernel cannot send the files."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fixtures.hub.process import FixtureHub
from fixtures.mirror import MirrorProcess
from tests.certificates import make_certificates
from tests.contract.clients import curator
from tests.contract.repositories import WEIGHTS


def fetched(url: str, trust: ssl.SSLContext) -> bytes:
    """The body of a good answer, once there is a decision."""
    while True:
        try:
            with urllib.request.urlopen(url, context=trust) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            assert "is being scanned" in error.headers.get("X-Error-Message", ""), error.headers


def test_files_and_listings_arrive_over_https(hub: FixtureHub, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    trust = ssl.create_default_context(cafile=made.authority)
    with MirrorProcess(tmp_path / "data", hub.url, {"CURATOR_TLS_CERTIFICATE": str(made.server)}) as mirror:
        assert mirror.url.startswith("https://")
        for _ in range(2):
            assert b"model.safetensors" in fetched(f"{mirror.url}/api/models/acme-research/tiny-bert", trust)
            file = f"{mirror.url}/acme-research/tiny-bert/resolve/main/model.safetensors"
            assert fetched(file, trust) == WEIGHTS.read_bytes()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CURATOR_TLS_CERTIFICATE": "missing.pem"}, "The certificate missing.pem cannot be used: No such file"),
        ({"CURATOR_TLS_CERTIFICATE": __file__}, "it is not one, or not of this key"),
        ({"CURATOR_TLS_KEY": "key.pem"}, "CURATOR_TLS_CERTIFICATE is not: name both, or neither"),
    ],
)
def test_a_certificate_that_cannot_be_used_ends_the_start_in_a_sentence(
    variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = curator("serve", "--port", "0", "--data", str(tmp_path / "data"), **variables)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
