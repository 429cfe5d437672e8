"""Whatever stands in PyTorch's archives, a scan of it ends in a report."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.corpus.torches.archives import archive
from fixtures.corpus.torches.older import five, ordinary_tar
from fixtures.corpus.torches.scripts import HEAD, OBJECT
from scanners.finding import Report
from tests.scanning import judged, proto

JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["torch.ops.aten.add", "torch.ops.x.y", "s0+1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["expr_str", "target", "nodes"]), inner, max_size=3)
    ),
    max_leaves=12,
)
LINES = st.lists(
    st.sampled_from(["return x", "x = torch.add(x, 1)", "(" * 50, "import os", "-" * 300 + "x", "\0", "if x:", "  y"])
    | st.text(max_size=20)
)


def ended(report: Report) -> bool:
    return "Judging it failed" not in (report.unscannable or "")


@given(LINES)
def test_torchscript_of_any_text_ends_in_a_report(lines: list[str]) -> None:
    source = (HEAD + "".join(f"    {line}\n" for line in lines)).encode("utf-8", "surrogatepass")
    assert ended(judged(archive({"m/data.pkl": OBJECT, "m/code/__torch__.py": source}), "model.pt"))


@given(st.binary(max_size=200))
def test_bytecode_of_any_bytes_ends_in_a_report(content: bytes) -> None:
    members = {"m/data.pkl": OBJECT, "m/code/__torch__.py": HEAD.encode(), "m/bytecode.pkl": proto(content)}
    assert ended(judged(archive(members), "model.ptl"))


@given(JSON | st.text().map(str))
def test_an_exported_graph_of_any_json_ends_in_a_report(graph: Any) -> None:
    members = {"e/models/model.json": json.dumps(graph).encode(), "e/archive_format": b"pt2"}
    assert ended(judged(archive(members), "model.pt2"))


@given(st.sampled_from([ordinary_tar(), five(b"}")]), st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255))))
def test_an_old_file_with_any_bytes_changed_ends_in_a_report(content: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(content)
    for place, value in changes:
        data[place % len(data)] = value
    assert ended(judged(bytes(data), "model.pth"))
