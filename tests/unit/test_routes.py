from __future__ import annotations

import pytest

from curator.errors import BadInput
from curator.hub.addresses import read_route
from curator.hub.closed import CLOSED, ClosedAddress
from curator.hub.lane import is_own
from curator.hub.routes import (
    AuthCheck,
    Closed,
    Git,
    Manifest,
    PathsInfo,
    RawFile,
    Registry,
    RegistryBlob,
    RepoCommits,
    RepoInfo,
    RepoRefs,
    RepoTree,
    ResolveFile,
    Route,
    SafetensorsMetadata,
    Search,
    TagsByType,
    Telemetry,
    WhoAmI,
    XetToken,
)
from curator.types import RepoId, RepoKind, Revision

MAIN = Revision("main")
MODEL = RepoId(RepoKind.MODEL, "ns", "name")
DATASET = RepoId(RepoKind.DATASET, "ns", "name")
BARE = RepoId(RepoKind.MODEL, None, "gpt2")
SHA = "0123456789" * 4


@pytest.mark.parametrize(
    ("address", "route"),
    [
        ("/ns/name/resolve/main/config.json", ResolveFile(MODEL, MAIN, "config.json")),
        ("/ns/name/resolve/main/a/b%20c/%C3%BC.bin", ResolveFile(MODEL, MAIN, "a/b c/ü.bin")),
        ("/ns/name/resolve/refs%2Fpr%2F1/x", ResolveFile(MODEL, Revision("refs/pr/1"), "x")),
        ("/ns/name/resolve/refs/pr/1/x", ResolveFile(MODEL, Revision("refs/pr/1"), "x")),
        ("/ns/name/resolve/refs%2Fpr/1/x", ResolveFile(MODEL, Revision("refs/pr/1"), "x")),
        ("/ns/name/resolve/refs/pr%2f1/x", ResolveFile(MODEL, Revision("refs/pr/1"), "x")),
        ("/ns/name/resolve/refs/x", ResolveFile(MODEL, Revision("refs"), "x")),
        ("/ns/name/resolve/feature%2Fx/y", ResolveFile(MODEL, Revision("feature/x"), "y")),
        ("/gpt2/resolve/main/config.json", ResolveFile(BARE, MAIN, "config.json")),
        ("/datasets/ns/name/resolve/main/x", ResolveFile(DATASET, MAIN, "x")),
        ("/datasets/squad/resolve/main/x", ResolveFile(RepoId(RepoKind.DATASET, None, "squad"), MAIN, "x")),
        (f"/api/resolve-cache/models/ns/name/{SHA}/a/b", ResolveFile(MODEL, Revision(SHA), "a/b")),
        ("/api/models/ns/name/resolve/main/x", ResolveFile(MODEL, MAIN, "x")),
        ("/api/models/ns/name", RepoInfo(MODEL, MAIN)),
        ("/api/models/gpt2", RepoInfo(BARE, MAIN)),
        ("/api/models/ns/name/revision/main", RepoInfo(MODEL, MAIN)),
        ("/api/models/gpt2/revision/main", RepoInfo(BARE, MAIN)),
        ("/api/datasets/ns/name/revision/refs%2Fpr%2F1", RepoInfo(DATASET, Revision("refs/pr/1"))),
        ("/api/models/ns/name/tree/main", RepoTree(MODEL, MAIN, None)),
        ("/api/models/ns/name/tree/main/a%2Fb", RepoTree(MODEL, MAIN, "a/b")),
        ("/api/models/ns/name/tree/main/a/b", RepoTree(MODEL, MAIN, "a/b")),
        ("/api/models/gpt2/tree/main", RepoTree(BARE, MAIN, None)),
        ("/api/models/ns/name/paths-info/main", PathsInfo(MODEL, MAIN)),
        ("/api/models/ns/name/auth-check", AuthCheck(MODEL)),
        ("/api/models/ns/name/xet-read-token/main", XetToken(MODEL)),
        ("/ns/name/raw/main/a/b", RawFile(MODEL, MAIN, "a/b")),
        ("/datasets/ns/name/raw/refs%2Fconvert%2Fparquet/x", RawFile(DATASET, Revision("refs/convert/parquet"), "x")),
        ("/api/models/ns/name/refs", RepoRefs(MODEL)),
        ("/api/models/gpt2/refs", RepoRefs(BARE)),
        ("/api/models/ns/name/commits/main", RepoCommits(MODEL, MAIN)),
        ("/api/datasets/ns/name/commits/feature%2Fx", RepoCommits(DATASET, Revision("feature/x"))),
        ("/api/models/ns/name/safetensors-metadata/a/b.json", SafetensorsMetadata(MODEL, "a/b.json")),
        ("/api/models", Search(RepoKind.MODEL)),
        ("/api/datasets/", Search(RepoKind.DATASET)),
        ("/api/datasets-tags-by-type", TagsByType(RepoKind.DATASET)),
        ("/v2/", Registry()),
        ("/v2/ns/name/manifests/Q4_K_M", Manifest(MODEL, "Q4_K_M")),
        (f"/v2/ns/name/blobs/sha256:{'ab' * 32}", RegistryBlob(MODEL, "ab" * 32)),
        ("/api/whoami-v2", WhoAmI()),
        ("/api/telemetry/transformers/x", Telemetry()),
        ("/ns/name.git/info/refs", Git(lfs=False)),
        ("/ns/name/git-upload-pack", Git(lfs=False)),
        ("/datasets/ns/name.git/info/lfs/objects/batch", Git(lfs=True)),
        ("/ns/name/info/lfs/locks/verify", Git(lfs=True)),
        ("/ns/name.git/HEAD", Git(lfs=False)),
        ("/ns/name/resolve/main/x.git/info/refs", ResolveFile(MODEL, MAIN, "x.git/info/refs")),
    ],
)
def test_each_form_that_clients_use_is_understood(address: str, route: Route) -> None:
    assert read_route(address.encode()) == route


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/ns/name",
        "/ns/name/blob/main/x",
        "/ns/name/resolve/main",
        "/ns/name/resolve/main/",
        "/api/models/ns/name/preupload/main",
        "/api/models/ns/name/xet-write-token/main",
        "/api/models/ns/name/compare/a..b",
        "/api/datasets/ns/name/parquet",
        "/api/buckets/ns/name",
        "/kernels/ns/name/resolve/main/x",
        "/buckets/ns/name/resolve/x",
        "/api/agent-harnesses",
        "/v2/ns/name/tags/list",
        "/oauth/token",
        f"/api/resolve-cache/models/ns/name/{'main'}/x",
    ],
)
def test_what_the_mirror_does_not_know_is_closed(address: str) -> None:
    assert isinstance(read_route(address.encode()), Closed)


@pytest.mark.parametrize(
    "address",
    [
        "/ns/name/resolve/main/../../secret",
        "/ns/name/resolve/main/%2e%2e/secret",
        "/ns/name/resolve/main/a%2F..%2Fb",
        "/ns/name/resolve/main/a%00b",
        "/ns/name/resolve/main/a%5Cb",
        "/ns/name/resolve/main/a//b",
        "/ns/name/resolve/main/%FF",
        "/ns/name/resolve/a..b/x",
        "/%2e%2e/name/resolve/main/x",
        "/ns%2Fname/x/resolve/main/x",
    ],
)
def test_tricks_in_an_address_are_bad_input(address: str) -> None:
    with pytest.raises(BadInput):
        read_route(address.encode())


def test_an_address_is_decoded_once() -> None:
    route = read_route(b"/ns/name/resolve/main/%252e%252e")
    assert isinstance(route, ResolveFile)
    assert route.path == "%2e%2e"


def test_the_mirrors_own_addresses_are_no_names_of_the_hub() -> None:
    assert is_own(b"/-/decisions/1")
    assert is_own(b"/api/curator/v1/explain")
    assert is_own(b"/healthz")
    assert not is_own(b"/curator/v1/resolve/main/x")
    assert not is_own(b"/api/models/x/y")


@pytest.mark.parametrize("closed", CLOSED, ids=lambda closed: str(closed.pattern))
def test_each_closed_address_is_closed_with_its_own_sentence(closed: ClosedAddress) -> None:
    for kind in ("models", "datasets", "spaces"):
        for rest in ("/x", "/x/y"):
            address = closed.pattern.replace("{type}", kind).replace("{repo}", "ns/name").replace("/**", rest)
            route = read_route(address.encode())
            assert isinstance(route, Closed), address
            assert route.known is not None, address
            assert route.known.sentence == closed.sentence, address
