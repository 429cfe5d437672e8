"""Where packages come from: addresses, indexes and channels, and which of them are everybody's."""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import urlsplit


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Place(Enum):
    """How far a place can be trusted to be what it seems."""

    USUAL = "usual"
    KNOWN = "known"
    STRANGER = "of somebody on a known host of code"
    FOREIGN = "foreign"
    UNPROTECTED = "unprotected"


_USUAL_INDEXES = frozenset(
    {"pypi.org", "pypi.python.org", "files.pythonhosted.org", "registry.npmjs.org", "registry.yarnpkg.com"}
)
_KNOWN_HOSTS = re.compile(
    r"(?:^|\.)(?:download\.pytorch\.org|download-r2\.pytorch\.org|pypi\.nvidia\.com|pypi\.ngc\.nvidia\.com|"
    r"developer\.download\.nvidia\.com|data\.pyg\.org|data\.dgl\.ai|pytorch-geometric\.com|wheels\.vllm\.ai|flashinfer\.ai|"
    r"download\.openmmlab\.com|abetlen\.github\.io|huggingface\.github\.io|test\.pypi\.org|pypi\.anaconda\.org|"
    r"repo\.anaconda\.com|conda\.anaconda\.org|conda\.rapids\.ai|paddlepaddle\.org\.cn|paddle-whl\.bj\.bcebos\.com|"
    r"repo\.radeon\.com|rocm\.github\.io|pytorch-extension\.intel\.com|software\.repos\.intel\.com|docs\.ray\.io|"
    r"modelscope\.oss-cn-beijing\.aliyuncs\.com|pypi\.tuna\.tsinghua\.edu\.cn|mirrors\.tuna\.tsinghua\.edu\.cn|"
    r"mirrors\.aliyun\.com|mirrors\.ustc\.edu\.cn|pypi\.doubanio\.com|pypi\.douban\.com|mirrors\.cloud\.tencent\.com|"
    r"mirrors\.huaweicloud\.com|repo\.huaweicloud\.com|mirror\.baidu\.com|mirrors\.bfsu\.edu\.cn|pypi\.mirrors\.ustc\.edu\.cn)$"
)
_CODE_HOSTS = re.compile(
    r"(?:^|\.)(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co|hf\.co|raw\.githubusercontent\.com)$"
)
_KNOWN_OWNERS = _names(
    """huggingface pytorch facebookresearch openai nvidia nvidia-nemo microsoft google google-research google-deepmind
    deepmind tensorflow keras-team jax-ml apple intel amd rocm qwenlm deepseek-ai mistralai thudm zai-org meta-llama
    meta-pytorch stanfordnlp allenai eleutherai laion-ai mlfoundations open-mmlab openmmlab rwightman vllm-project
    sgl-project dao-ailab state-spaces unslothai axolotl-ai-cloud lm-sys haotian-liu llava-vl bigscience-workshop
    bigcode-project coqui-ai suno-ai espnet speechbrain pyannote m-bain systran ultralytics ideas-research
    idea-research compvis stability-ai runwayml black-forest-labs sczhou xinntao tencentarc nvlabs salesforce ibm
    ibm-granite snowflakedb databricks mosaicml lightning-ai kijai explosion scikit-learn pandas-dev numpy scipy
    dmlc rapidsai explodinggradients confident-ai huggingface-projects casper-hansen autogptq modelcloud oobabooga
    turboderp ggerganov ggml-org abetlen"""
)
_CHANNELS = _names(
    """conda-forge defaults main r msys2 free pro anaconda pytorch pytorch-nightly pytorch-test nvidia huggingface
    bioconda fastai intel pyg dglteam xformers rapidsai rapidsai-nightly salilab plotly menpo nodefaults esri
    microsoft numba conda-canary iopath bottler fvcore gurobi omnia openeye simpleitk apple paddle mosek mmcauliffe
    pkgs/main pkgs/r nvidia/label rdkit schrodinger psi4 pytorch3d pytorch-lts stanfordnlp spacy-models powerai
    apache districtdatalabs"""
)


def index_of(address: str) -> Place:
    """Of an index or a page of links."""
    parts = _split(address)
    if parts is None:
        return Place.FOREIGN
    scheme, host, _ = parts
    if scheme in ("http", "ftp") and not _is_local(host):
        return Place.UNPROTECTED
    if host in _USUAL_INDEXES:
        return Place.USUAL
    return Place.KNOWN if _KNOWN_HOSTS.search(host) else Place.FOREIGN


def source_of(address: str) -> Place:
    """Of a package given by its own address: a repository of code, an archive, a wheel."""
    address = re.sub(r"^(?:git|hg|svn|bzr)\+", "", address.strip())
    address = re.sub(r"^git@([\w.-]+):", r"ssh://git@\1/", address)
    parts = _split(address)
    if parts is None:
        return Place.FOREIGN
    scheme, host, path = parts
    if scheme in ("http", "git", "ftp", "svn", "bzr"):
        return Place.UNPROTECTED
    if host in _USUAL_INDEXES:
        return Place.USUAL
    owner = path.strip("/").split("/", 1)[0].lower()
    if _KNOWN_HOSTS.search(host) or (_CODE_HOSTS.search(host) and owner in _KNOWN_OWNERS):
        return Place.KNOWN
    return Place.STRANGER if _CODE_HOSTS.search(host) else Place.FOREIGN


def is_number(address: str) -> bool:
    """Whether the host is a bare network address, or one that only lends out names for a while."""
    parts = _split(address)
    return parts is not None and (
        re.fullmatch(r"[\d.]+|\[?[0-9a-f:]+\]?|0x[0-9a-f]+", parts[1]) is not None
        or re.search(
            r"(?:ngrok|serveo|trycloudflare|pastebin|transfer\.sh|webhook|requestbin|pipedream|bit\.ly|tinyurl|discord|onion)",
            parts[1],
        )
        is not None
    )


def is_usual_channel(channel: str) -> bool:
    """Of conda."""
    name = re.sub(r"^https://(?:conda\.anaconda\.org|repo\.anaconda\.com)/", "", channel.strip()).strip("/").lower()
    return name in _CHANNELS or name.split("/", 1)[0] in _CHANNELS


def _split(address: str) -> tuple[str, str, str] | None:
    try:
        parts = urlsplit(address.strip().strip("'\""))
        return (parts.scheme.lower(), (parts.hostname or "").lower(), parts.path)
    except ValueError:
        return None


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")
