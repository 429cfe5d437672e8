"""The registry's face of GGUF repositories, for Ollama and older llama.cpp: manifests and blobs, under one decision.

A digest is no permission: it is served only as a file of a commit of this repository that may be served.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from curator.admission import snapshots
from curator.database.engine import Database, new_id
from curator.errors import CuratorError, EntryNotFound, NotServed, RepoNotFound, RevisionNotFound
from curator.hub.admit import Admission, Admitted, Refused
from curator.hub.answer import Answer
from curator.hub.files import Files
from curator.hub.gguf import MANIFEST_TYPE, choose, config_of, digest_of, manifest_of, models_of
from curator.hub.request import Request
from curator.hub.routes import Manifest, Registry, RegistryBlob, ResolveFile
from curator.types import BlobId, HashKind, RepoFile, RepoId, Revision

_MAIN = Revision("main")
_MOST_TAGS_NAMED = 12
_MOST_COMMITS = 5


@dataclass(frozen=True, slots=True)
class GgufRegistry:
    """Answers in the registry's own forms (OCI distribution specification)."""

    database: Database
    admission: Admission
    files: Files

    async def answer(self, request: Request, route: Registry | Manifest | RegistryBlob) -> Answer:
        try:
            match route:
                case Registry():
                    return _document(b"{}", "application/json")
                case Manifest():
                    return await self._manifest(request, route)
                case RegistryBlob():
                    return await self._blob(request, route)
        except Refused as refused:
            refusal = refused.refusal
            return _error(
                "DENIED", refusal.sentence, refusal.status if refusal.status != 404 else 403, refusal.audit_id
            )
        except CuratorError as error:
            unknown = isinstance(error, RepoNotFound | RevisionNotFound | EntryNotFound | NotServed)
            return _error(_code(route) if unknown else "DENIED", error.sentence, error.status, new_id())

    async def _manifest(self, request: Request, route: Manifest) -> Answer:
        admitted = await self.admission.admit(request, route.repo, _MAIN)
        files = await asyncio.to_thread(self._files, admitted)
        excluded = admitted.ruling.excluded
        chosen = choose([file for file in files if file.path not in excluded], route.tag)
        if chosen is None:
            left_out = choose(files, route.tag)
            if left_out is not None:
                raise await self.admission.left_out(request, route.repo, _MAIN, admitted, left_out.model.path)
            raise NotServed(_no_such_tag(admitted, files, route.tag))
        for_llama_cpp = "llama-cpp" in request.headers.get("user-agent", "")
        if chosen.sharded and not for_llama_cpp:
            raise NotServed(
                f"{chosen.model.path} of {admitted.snapshot.commit.repo} is in several files, which a registry cannot "
                "put together: use llama.cpp, or a tag whose model is one file"
            )
        config = config_of(chosen, _family(admitted))
        body = json.dumps(manifest_of(chosen, config, for_llama_cpp=for_llama_cpp), separators=(",", ":")).encode()
        return _document(body, MANIFEST_TYPE)

    async def _blob(self, request: Request, route: RegistryBlob) -> Answer:
        admitted = await self.admission.admit(request, route.repo, _MAIN)
        digest = f"sha256:{route.digest}"
        config = await asyncio.to_thread(self._config, admitted, digest)
        if config is not None:
            return _document(config, "application/octet-stream")
        repo = admitted.snapshot.commit.repo
        found = await asyncio.to_thread(self._holding, repo, BlobId(HashKind.SHA256, route.digest))
        # The commit of the manifest may be an older one by now; `main` comes first.
        found.sort(key=lambda one: one[0] != admitted.snapshot.commit.sha)
        refused: Refused | None = None
        for sha, file in found[:_MOST_COMMITS]:
            try:
                answer = await self.files.answer(request, ResolveFile(repo, Revision(sha), file.path))
            except Refused as no:
                refused = refused or no
                continue
            headers = {**answer.headers, "Docker-Content-Digest": digest}
            return Answer(answer.status, headers, answer.body, quiet=answer.quiet)
        if refused is not None:
            raise refused
        raise NotServed(f"No file of {repo} has the digest {digest}")

    def _files(self, admitted: Admitted) -> list[RepoFile]:
        with self.database.read() as session:
            return snapshots.files(session, admitted.snapshot.id)

    def _holding(self, repo: RepoId, blob: BlobId) -> list[tuple[str, RepoFile]]:
        with self.database.read() as session:
            return [(snapshot.commit.sha, file) for snapshot, file in snapshots.holding(session, repo, blob)]

    def _config(self, admitted: Admitted, digest: str) -> bytes | None:
        """The configuration of one of the models that has this digest; they are made anew, and kept nowhere."""
        files = [file for file in self._files(admitted) if file.path not in admitted.ruling.excluded]
        for model in models_of(files):
            chosen = choose(files, model.name)
            config = config_of(chosen, _family(admitted)) if chosen else b""
            if digest_of(config) == digest:
                return config
        return None


def _family(admitted: Admitted) -> str:
    """The architecture as the Hub tells it, which is for show alone: Ollama reads it from the model when it runs."""
    told = admitted.snapshot.info.get("gguf")
    family = told.get("architecture") if isinstance(told, dict) else None
    return family if isinstance(family, str) else ""


def _no_such_tag(admitted: Admitted, files: list[RepoFile], tag: str) -> str:
    repo = admitted.snapshot.commit.repo
    models = [model.name for model in models_of(files) if model.path not in admitted.ruling.excluded]
    if not models:
        return f"{repo} has no GGUF file, and a registry serves nothing else of it"
    more = ", ..." if len(models) > _MOST_TAGS_NAMED else ""
    return f"{repo} has no GGUF file for the tag {tag!a}: it has {', '.join(models[:_MOST_TAGS_NAMED])}{more}"


def _document(body: bytes, media_type: str) -> Answer:
    headers = {
        "Content-Type": media_type,
        "Docker-Content-Digest": digest_of(body),
        "Vary": "Authorization, User-Agent",
    }
    return Answer(200, {**headers, "Docker-Distribution-Api-Version": "registry/2.0"}, body)


def _code(route: Registry | Manifest | RegistryBlob) -> str:
    return "MANIFEST_UNKNOWN" if isinstance(route, Manifest) else "BLOB_UNKNOWN"


def _error(code: str, sentence: str, status: int, audit_id: str) -> Answer:
    body = json.dumps({"errors": [{"code": code, "message": sentence, "detail": {"request_id": audit_id}}]}).encode()
    return Answer(status, {"Content-Type": "application/json", "X-Request-Id": audit_id}, body)
