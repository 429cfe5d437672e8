"""Text with a grammar that programs act on: XML and its children, HTML, and Caffe's text form of protobuf."""

from __future__ import annotations

import re

from scanners.kinds import Format

_BEFORE_ROOT = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_XML_NAMES = (".xml", ".pmml", ".svg", ".plist", ".xsl", ".xslt", ".xhtml", ".rdf", ".owl", ".kml", ".gpx", ".urdf",
              ".mjcf", ".xmi")  # fmt: skip
_HTML_NAMES = (".html", ".htm", ".xhtml")
_PROSE_NAMES = (".md", ".txt", ".rst", ".jsonl", ".csv", ".tsv", ".yaml", ".yml", ".srt", ".vtt", ".log", ".tex")
_PROTOTXT = re.compile(rb"^[ \t]{0,40}layers?[ \t]{0,40}\{[ \t\r]{0,40}(?:#.*)?$", re.MULTILINE)
_PROTOTXT_FIELD = re.compile(rb"""^[ \t]{0,40}(?:type|name|bottom|top)[ \t]{0,40}:[ \t]{0,40}["'A-Z]""", re.MULTILINE)
_SET_UP = re.compile(rb"^(?:net|train_net|base_lr|solver_mode|lr_policy)[ \t]{0,40}:", re.MULTILINE)


def kind_of_markup(body: bytes, name: str) -> Format | None:
    """`body` is the beginning of a text in UTF-8."""
    start = body.lstrip()[:64].lower()
    says_so = start.startswith((b"<?xml", b"<!doctype", b"<!entity", b"<svg", b"<pmml", b"<html"))
    if says_so or (start.startswith(b"<") and name.endswith((*_XML_NAMES, *_HTML_NAMES))):
        if name.endswith(_PROSE_NAMES) and not start.startswith((b"<?xml", b"<svg", b"<pmml", b"<!doctype")):
            return None
        return _by_root(body, start, name)
    if name.endswith(_HTML_NAMES) and b"<" in body:
        return Format.HTML
    if name.endswith((".prototxt", ".prototext")) or (
        not name.endswith(_PROSE_NAMES)
        and _PROTOTXT.search(body) is not None
        and _PROTOTXT_FIELD.search(body) is not None
    ):
        return Format.PROTOTXT
    return Format.PROTOTXT if name.endswith(".solver") and _SET_UP.search(body) is not None else None


def _by_root(body: bytes, start: bytes, name: str) -> Format:
    if start.startswith((b"<!doctype html", b"<html")):
        return Format.HTML
    before = _BEFORE_ROOT.match(body)
    found = _ROOT.match(body, before.end() if before is not None else 0)
    root = found.group(1).decode().lower() if found is not None else ""
    if root == "html" or (name.endswith(_HTML_NAMES) and not start.startswith(b"<?xml")):
        return Format.HTML
    if root == "svg" or (not root and name.endswith(".svg")):
        return Format.SVG
    if root == "pmml" or (not root and name.endswith(".pmml")):
        return Format.PMML
    return Format.OPENVINO if root == "net" else Format.XML
