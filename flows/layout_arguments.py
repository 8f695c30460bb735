"""What `exemplar layout` takes on the command line, and the settings that its options change."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from flows.argument_types import backbone, count, named_file, seed, word_or_file


def add_layout(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """`exemplar layout`."""
    layout = commands.add_parser(
        "layout",
        help="an image brought into another layout, by its label map and that of the target",
        description="Writes, by Semantic Image Analogy, the source in the layout of each target, "
        "and where its pixels come from. Nothing but the source is learned from.",
    )
    layout.add_argument("image", type=named_file, metavar="SOURCE", help="an image")
    layout.add_argument(
        "labels",
        type=word_or_file,
        metavar="SOURCE_LABELS",
        help="its label map, with a palette, of numbers or of colours; or the word clusters: what "
        "a network finds alike in it; or the word edges: its lines",
    )
    layout.add_argument(
        "targets",
        nargs="*",
        type=named_file,
        metavar="TARGET_LABELS",
        help="label maps of the same classes; of clusters also photographs; of edges drawings",
    )
    layout.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    layout.add_argument(
        "--method",
        choices=("patches", "gan"),
        help="patches of the source, in seconds, or a GAN trained on it; default: that of "
        "params.yaml",
    )
    _add_targets(layout)
    layout.add_argument(
        "--side",
        type=count,
        metavar="N",
        help="larger images are worked on at so many pixels a side",
    )
    layout.add_argument(
        "--preset",
        choices=("fast", "paper", "released"),
        help="how the GAN is trained: our schedule, the paper's, or that of the released code",
    )
    layout.add_argument("--steps", type=count, metavar="N", help="iterations of the GAN's training")
    layout.add_argument(
        "--backbone",
        type=backbone,
        metavar="KIND[:FILE]",
        help="whose features clusters and the GAN's patch loss compare: estimator, "
        "efficientnet_lite2, vgg19_small:FILE, vgg19_normalised:FILE, torchvision, which is "
        "VGG-19, or torchvision:FILE",
    )
    layout.add_argument("--seed", type=seed, metavar="N", help="of everything that is drawn")
    layout.add_argument("--device", metavar="NAME", help="cpu or cuda")
    return layout


def _add_targets(layout: argparse.ArgumentParser) -> None:
    """What targets are, and how label maps are read."""
    layout.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="a target that is the source's labels, changed: move:CLASS:dx,dy, resize:CLASS:factor "
        "or remove:CLASS[:WITH]; pixels or %% of the sides; CLASS@1 is its largest region; "
        "several with ; between; may be repeated",
    )
    layout.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="TARGETCLASS=SOURCECLASS",
        help="which of the source's classes one of the targets' is, by colour, number or name; "
        "may be repeated",
    )
    layout.add_argument(
        "--snap",
        nargs="?",
        type=count,
        const=0,
        metavar="N",
        help="label maps are smoothed or compressed: each pixel takes the nearest of the frequent "
        "colours, or of the N most frequent, or of those of --palette",
    )
    layout.add_argument(
        "--clusters", type=count, metavar="N", help="with the word clusters; default: 6"
    )
    layout.add_argument(
        "--palette",
        type=word_or_file,
        metavar="FILE",
        help="names of classes: CSV with columns name and colour or id, JSON, or facades",
    )


def changes_of(args: argparse.Namespace) -> dict[str, Any]:
    """The settings of the section `layout` that options change."""
    wanted = {
        "method": args.method,
        "working_side": args.side,
        "seed": args.seed,
        "device": args.device,
        "patches": _given({"working_side": args.side}),
        "gan": _given(
            {
                "preset": args.preset,
                "backbone": args.backbone,
                "training": _given({"iterations": args.steps}),
            }
        ),
    }
    return _given(wanted) or {}


def _given(options: dict[str, Any]) -> dict[str, Any] | None:
    """What was given of some options, zero as well; none if nothing was."""
    return {name: value for name, value in options.items() if value is not None} or None
