"""`exemplar doctor`: looks at the machine, the packages and the project, and says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from flows.checks.finding import Finding, problem
from flows.checks.machine import check_machine
from flows.checks.networks import check_networks
from flows.checks.packages import check_packages
from flows.checks.project import check_project


def main() -> int:
    """Prints one line for each check, all problems together.

    Returns:
        The exit status: 1 if anything is a problem, else 0.
    """
    findings = examine(check_machine, check_packages, check_networks, check_project)
    print(report(findings))
    return int(any(finding.state == "problem" for finding in findings))


def examine(*checks: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Runs all checks in the project's root; one that breaks is itself a finding."""
    root = Path(__file__).resolve().parents[1]
    if Path.cwd() != root:
        return [problem("folder", f"{Path.cwd()} is not the project's root", f"cd {root}")]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings.extend(check())
        except Exception as error:  # a check must not hide the ones after it
            said = f"{type(error).__name__}: {error}"
            findings.append(problem(check.__name__, said, "make clean setup, then try again"))
    return findings


def report(findings: list[Finding]) -> str:
    """Lays findings out in three columns, advice below, a count last."""
    wide = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        margin = " " * (9 + wide + 2)
        seen = finding.seen.replace("\n", f"\n{margin}")
        lines.append(f"{finding.state:8} {finding.subject:{wide}}  {seen}")
        if finding.advice:
            lines.append(f"{margin}-> {finding.advice}")
    problems = sum(finding.state == "problem" for finding in findings)
    warnings = sum(finding.state == "warning" for finding in findings)
    counted = [f"{n} {what}{'s' * (n != 1)}" for n, what in
               ((problems, "problem"), (warnings, "warning")) if n]  # fmt: skip
    return "\n".join([*lines, "", ", ".join(counted) if counted else "all is well"])
