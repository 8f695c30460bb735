"""The command `exemplar`: what it understands, and who does it.

Nothing heavy is imported before the command is known.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from flows.argument_types import count, minutes
from flows.arguments import (
    add_analogy,
    add_edit,
    add_export,
    add_sample,
    add_synth,
    check_synth,
)
from flows.environment import prepare
from flows.layout_arguments import add_layout, changes_of
from stages.ends import INTERRUPTED, TRACEBACK, with_notes


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="exemplar", description="Images by example: compute the tables, use your own inputs."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_reproduce(commands)

    tables = commands.add_parser(
        "tables", help="recompute the papers' tables and print them beside the published numbers"
    )
    tables.add_argument("names", nargs="*", metavar="NAME", help="such as pixelnn; default: all")
    tables.add_argument("--workers", type=count, metavar="N", help="cores to keep busy")
    _add_wait(tables)
    tables.set_defaults(call=_tables)

    add_synth(commands).set_defaults(call=_synth)
    add_edit(commands).set_defaults(call=_edit)
    add_sample(commands).set_defaults(call=_sample)
    add_analogy(commands).set_defaults(call=_analogy)
    add_layout(commands).set_defaults(call=_layout)
    add_export(commands).set_defaults(call=_export)

    doctor = commands.add_parser("doctor", help="check the machine, the data and the set-up")
    doctor.set_defaults(call=_doctor)

    deploy = commands.add_parser("deploy", help="schedule the runs that prefect.yaml names")
    deploy.add_argument(
        "--serve", action="store_true", help="run the schedules in this process, without a worker"
    )
    deploy.set_defaults(call=_deploy)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: what follows `exemplar`; the process's own if not given.

    Returns:
        The exit status: 0, 1 if it failed for a reason that is printed, 130 if interrupted.

    Raises:
        Exception: that reason, where the environment has `EXEMPLAR_TRACEBACK`.
    """
    args = parser().parse_args(arguments)
    try:
        return args.call(args)
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here", file=sys.stderr)
        return INTERRUPTED
    except _expected() as error:
        if os.environ.get(TRACEBACK):
            raise
        print(f"exemplar {args.command}: {with_notes(error, _told(error))}", file=sys.stderr)
        return 1


def _told(error: Exception) -> str:
    """An error's text; of a file that the system refuses, its name and why."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)


def _add_reproduce(commands: argparse._SubParsersAction) -> None:
    reproduce = commands.add_parser(
        "reproduce",
        help="the parallel `dvc repro`: bring stages and all they need up to date",
        description="Does what `dvc repro` does, several stages at a time, and writes the same "
        "dvc.lock. Interrupted or killed, the next run goes on.",
    )
    reproduce.add_argument(
        "stages", nargs="*", metavar="STAGE", help="stages or groups of dvc.yaml; default: all"
    )
    reproduce.add_argument(
        "--workers", type=count, metavar="N", help="cores to keep busy; default: all"
    )
    reproduce.add_argument("--force", action="store_true", help="run stages even if up to date")
    reproduce.add_argument("--dry", action="store_true", help="only say what would be done")
    _add_wait(reproduce)
    reproduce.set_defaults(call=_reproduce)


def _add_wait(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--wait",
        type=minutes,
        default=60.0,
        metavar="MINUTES",
        help="how long to wait for another run that is at work here; default: 60, 0: not at all",
    )


def _reproduce(args: argparse.Namespace) -> int:
    prepare()
    if not args.dry:
        return _run_flow(args.stages, args.workers, args.force, args.wait)
    from tasks.reproduce import preview

    for stage, word in preview(args.stages, 60 * args.wait, _waiting).items():
        print(f"{stage:<36} {word}")
    return 0


def _waiting(words: str) -> None:
    print(f"{words}; Ctrl-C ends this", file=sys.stderr, flush=True)


def _run_flow(stages: list[str], workers: int | None, force: bool, wait: float) -> int:
    """Reproduces through Prefect, whose server starts while the plan is looked at."""
    from flows.server import prefect_server

    with prefect_server() as server:
        # What is wrong is told at once, not after the server's start or hours of work.
        known = _checked(stages, wait, force)
        due = sum(word != "unchanged" for word in known.values())
        print(f"{len(known)} stages, {len(known) if force else due} to bring up to date; "
              "Prefect is starting", flush=True)  # fmt: skip
        from flows.reproduce import ReproduceError, reproduce
        from tasks.coordinator import Summary

        server.wait()
        try:
            done = isinstance(reproduce(stages, workers, force, wait), Summary)
        except ReproduceError:
            done = False
    return 0 if done else 1  # the flow has printed everything


def _checked(stages: list[str], wait: float, force: bool) -> dict[str, str]:
    """What a run would do, its settings checked."""
    from flows.checks.sections import require_all, require_sections
    from tasks.plan import PlanError
    from tasks.reproduce import preview

    try:
        return preview(stages, 60 * wait, _waiting, force, require_sections)
    except PlanError:
        require_all()  # numbers of dvc.yaml are taken from settings, which have lines
        raise


def _tables(args: argparse.Namespace) -> int:
    prepare()
    from flows.tables import show, stages_of

    makers = stages_of(args.names)
    status = _run_flow(sorted(set(makers.values())), args.workers, False, args.wait)
    if status == 0:
        print()
        print(show(list(makers)))
    return status


def _synth(args: argparse.Namespace) -> int:
    check_synth(args)
    from flows.synth import synth

    for folder in synth(args.inputs, args.domain, args.condition, args.out, args.only,
                        args.exclude, args.photographs, args.like, args.alike_count, args.count,
                        args.method, args.size, args.fit):  # fmt: skip
        print(folder)
    return 0


def _edit(args: argparse.Namespace) -> int:
    from exemplar.methods.pix2pixhd.requests import Request
    from flows.edit import edit

    request = Request(
        labels=args.labels,
        instances=args.instances,
        relabel=tuple(args.relabel),
        styles=tuple(args.style),
        choices=args.choices,
        photograph=args.photograph,
        count=args.count,
        seed=args.seed,
        ignore=Request.ignore if args.ignore is None else tuple(args.ignore),
    )
    for path in edit(request, args.domain, args.out):
        print(path)
    return 0


def _sample(args: argparse.Namespace) -> int:
    from exemplar.methods.glann.requests import Request
    from flows.sample import sample

    request = Request(
        args.domain, args.count, args.seed, args.model_seed, args.interpolate, tuple(args.invert)
    )
    for path in sample(request, args.out):
        print(path)
    return 0


def _analogy(args: argparse.Namespace) -> int:
    pair, table = [args.a, args.b].count(None), args.batch is not None
    if (pair != 2 and table) or (pair and not table):
        raise ValueError("expected two images A and B, or --batch CSV in their place")
    if table and args.mode == "time-lapse":
        raise ValueError("--mode time-lapse takes an image and a folder, and no --batch")
    from exemplar.methods.deep_analogy.requests import Request
    from flows.analogy import analogy

    request = Request(args.a, args.b, "", args.mode, args.strength, args.labels, args.keypoints)
    wanted = {
        "reconstruction": args.reconstruction,
        "backbone": args.backbone,
        "working_side": args.side,
        "mirror": args.mirror,
        "seed": args.seed,
        "device": args.device,
    }
    changes = {name: value for name, value in wanted.items() if value is not None}
    for path in analogy(request, args.out, changes, args.batch):
        print(path)
    return 0


def _layout(args: argparse.Namespace) -> int:
    from exemplar.methods.semantic_analogy.requests import Request
    from flows.layout import make_layouts

    request = Request(
        args.image, args.labels, tuple(args.targets), tuple(args.edit), tuple(args.map),
        args.snap, args.clusters, args.palette,
    )  # fmt: skip
    for path in make_layouts(request, args.out, changes_of(args)):
        print(path)
    return 0


def _export(args: argparse.Namespace) -> int:
    from flows.export import export_network

    print("\n".join(export_network(args.domain, args.out, args.network)))
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from flows.doctor import main as examine

    return examine()


def _deploy(args: argparse.Namespace) -> int:
    prepare()
    from flows.deploy import deploy

    print(deploy(args.serve))
    return 0


def _expected() -> tuple[type[Exception], ...]:
    """Errors whose message says what to do; looked up when one is raised."""
    from dvc.exceptions import DvcException

    return (DvcException, ValueError, RuntimeError, OSError)


if __name__ == "__main__":
    sys.exit(main())
