"""A reproduction on the terminal: a line for what happens, at the end all that failed."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from tasks.coordinator import News, Summary

_WORDS = {
    "started": "start",
    "finished": "done",
    "restored": "cached",
    "verified": "kept",
    "failed": "FAILED",
    "skipped": "skipped",
    "damaged": "DAMAGED",
    "running": "running",
}
_WIDTH = 100


class Terminal:
    """Writes news as lines.

    Args:
        stream: where to; standard output if not given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._start = time.monotonic()

    def tell(self, news: News) -> None:
        """Writes one line; stages that did not change are only counted, at the end."""
        if news.kind not in _WORDS:
            return
        seconds = f"{news.seconds:7.1f} s" if news.kind != "started" else " " * 9
        line = f"{_WORDS[news.kind]:<8} {news.stage:<36} {seconds}"
        if news.kind == "running" and news.detail:
            line += f"  {news.detail.strip()}"
        elif news.kind == "skipped":
            line += f"  for {news.detail} failed"
        self.write(line[:_WIDTH].rstrip())
        if news.kind == "damaged":
            self.write(f"         {news.detail}; it runs again")

    def conclude(self, summary: Summary) -> None:
        """Writes what failed and why, and the counts."""
        for stage, reason in summary.failed.items():
            self.write(f"\n{stage} failed: {reason}")
        if summary.failed:
            self.write("")
        counts = {
            "run": len(summary.ran),
            "cached": len(summary.restored),
            "unchanged": len(summary.unchanged),
            "failed": len(summary.failed),
            "not run": len(summary.skipped),
        }
        total = sum(counts.values())
        parts = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        took = time.monotonic() - self._start
        self.write(f"{total} stages: {parts or 'nothing to do'}, in {took:.1f} s")

    def write(self, line: str) -> None:
        """Writes a line as it is."""
        print(line, file=self._stream, flush=True)
