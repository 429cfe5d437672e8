from __future__ import annotations

from scanners.command import main

main()
