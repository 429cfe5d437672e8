"""How repositories are scanned and judged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from curator.settings.measures import Bytes, Seconds
from rules import packs


class JudgementSettings(BaseModel):
    """How repositories are scanned and judged."""

    model_config = ConfigDict(frozen=True)

    rules: Path | None = Field(
        None,
        description="File of the organisation's rules, or git folder with it (bare or not), which is watched, or the "
        "name of a pack (starter, strict, finance, air-gap, research); default: what was published, else the starter "
        "pack.",
    )
    rules_path: str = Field("rules.yaml", description="Path of the file of rules inside a folder.")
    rejudge_days: int = Field(
        90, ge=1, le=3_650, description="Days for which a commit that was asked for is judged anew when rules change."
    )
    worker_threads: int = Field(8, ge=1, le=256, description="Scans that one worker fetches for at the same time.")
    scan_whole_below_bytes: Bytes = Field(
        4 << 20, description="Files up to this size in bytes are fetched whole to be scanned, larger ones in ranges."
    )
    scan_timeout_s: Seconds = Field(120.0, description="Seconds that the scan of one file may take.")
    scan_memory_bytes: int = Field(
        2 << 30, ge=1 << 28, description="Bytes of address space that the scan of one file may use."
    )
    second_opinions: bool = Field(True, description="Whether the other scanners that are installed are asked, too.")
    lease_s: Seconds = Field(
        20.0, description="Seconds after which the work of a worker that died is given to another."
    )
    retry_failed_s: Seconds = Field(
        300.0, description="Seconds after which a commit that could not be judged is tried again when asked for."
    )
    known_names: Path | None = Field(
        None,
        description="Folder with newer lists of publishers and popular repositories, in the form of the shipped ones; "
        "a list that is not in it is the shipped one.",
    )

    @field_validator("rules", mode="before")
    @classmethod
    def _a_place(cls, value: Any) -> Any:
        if value is None:
            return None
        # A folder that is called like a pack is written `./strict`.
        return packs.place(str(value)) if packs.is_pack(str(value)) else re.sub(r"^file:/+", "/", str(value))
