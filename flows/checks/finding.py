"""What a check reports: one line, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        state: `problem` stops the project from working, `warning` makes it slow or surprising.
        subject: what was looked at.
        seen: what was found.
        advice: what to do; empty when all is well.
    """

    state: Literal["ok", "warning", "problem"]
    subject: str
    seen: str
    advice: str = ""


def ok(subject: str, seen: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", subject, seen)


def warning(subject: str, seen: str, advice: str) -> Finding:
    """Works, but slowly or not as one may expect."""
    return Finding("warning", subject, seen, advice)


def problem(subject: str, seen: str, advice: str) -> Finding:
    """Does not work until the advice is followed."""
    return Finding("problem", subject, seen, advice)
