"""What the commands that answer a user's own inputs take on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_synth(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """`exemplar synth`."""
    synth = commands.add_parser(
        "synth",
        help="candidates, sources and attribution for your own inputs",
        description="Writes for each input a folder with the candidates, best first, a contact "
        "sheet, sources.npz, attribution.csv and a correspondence picture.",
    )
    synth.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="image files")
    synth.add_argument("--domain", required=True, help="whose exemplars: a domain of params.yaml")
    synth.add_argument(
        "--condition", required=True, help="what the inputs are: lowres, edges, normals or labels"
    )
    synth.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    for option, what in (("--only", "use only"), ("--exclude", "do not use")):
        synth.add_argument(
            option,
            action="append",
            default=[],
            metavar="GLOB",
            help=f"{what} exemplars whose id or category matches; may be repeated",
        )
    synth.add_argument(
        "--from",
        dest="like",
        type=Path,
        metavar="IMAGE",
        help="use the exemplars that look most like this photograph, in colour and texture, and "
        "put those together that look like it",
    )
    synth.add_argument(
        "--like",
        dest="alike_count",
        type=count,
        metavar="COUNT",
        help="how many, with --from; default: five times what the schedule needs",
    )
    synth.add_argument(
        "--count",
        type=count,
        metavar="N",
        help="only so many candidates, good ones unlike each other; default: all, best first",
    )
    synth.add_argument(
        "--published",
        action="store_true",
        help="candidates as published, neither coherent nor ranked",
    )
    synth.add_argument(
        "--photographs",
        action="store_true",
        help="the inputs are photographs to extract the condition from",
    )
    return synth


def add_edit(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """`exemplar edit`."""
    edit = commands.add_parser(
        "edit",
        help="photographs of your own label maps, with classes and styles to choose",
        description="Writes for each label map images by pix2pixHD, and a table of its objects "
        "and their styles. What is not edited keeps its look.",
    )
    edit.add_argument(
        "labels",
        type=Path,
        metavar="LABELS",
        help="a label map, a folder of them, or the id of an image of the domain",
    )
    edit.add_argument("--domain", required=True, help="whose classes: a domain of run.layouts")
    edit.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    edit.add_argument(
        "--instances",
        type=Path,
        metavar="I",
        help="an instance map, or a folder of as many; without, every class is one object",
    )
    edit.add_argument(
        "--relabel",
        action="append",
        default=[],
        metavar="[INSTANCE:]FROM=TO",
        help="give a class's pixels another class, by name or number; may be repeated",
    )
    edit.add_argument(
        "--style",
        action="append",
        default=[],
        metavar="INSTANCE[:CLASS]=K",
        help="give an instance, or its pixels of a class, its class's style K; may be repeated",
    )
    edit.add_argument(
        "--choices",
        default="",
        metavar="INSTANCE[:CLASS]",
        help="make an image for every style that it could have",
    )
    edit.add_argument(
        "--from",
        dest="photograph",
        type=Path,
        metavar="IMAGE",
        help="keep the looks that objects have in this photograph of the label map",
    )
    edit.add_argument(
        "--ignore",
        type=int,
        action="append",
        metavar="LABEL",
        help="a label that is no class; may be repeated; default: 255",
    )
    edit.add_argument("--count", type=count, default=1, metavar="N", help="images of each map")
    edit.add_argument("--seed", type=seed, default=0, metavar="N", help="of the styles drawn")
    return edit


def add_sample(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """`exemplar sample`."""
    sample = commands.add_parser(
        "sample",
        help="images from noise, with the training images that they are nearest to",
        description="Writes images by GLANN, a contact sheet, and a table of the training images "
        "that are nearest to each, in the latent space and by their looks.",
    )
    sample.add_argument("--domain", required=True, help="whose model: a domain of run.sampled")
    sample.add_argument("--count", type=count, default=16, metavar="N", help="images; default: 16")
    sample.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    sample.add_argument("--seed", type=seed, default=0, metavar="N", help="of the noise")
    sample.add_argument(
        "--model-seed", type=seed, default=0, metavar="N", help="of the training: one of run.seeds"
    )
    sample.add_argument(
        "--interpolate",
        action="store_true",
        help="also the ways from the first sample to the second, from the third to the fourth, …",
    )
    sample.add_argument(
        "--invert",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="IMAGE",
        help="also what the model makes most like these images",
    )
    return sample


def add_export(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """`exemplar export`."""
    export = commands.add_parser(
        "export",
        help="a domain's pix2pixHD network as an ONNX file",
        description="Writes an ONNX file that makes images of layouts of any size, and sees that "
        "ONNX Runtime makes the same images with it as the network does.",
    )
    export.add_argument("domain", metavar="DOMAIN", help="whose network: a domain of run.layouts")
    export.add_argument(
        "--out", required=True, type=Path, metavar="FILE.onnx", help="file to write"
    )
    export.add_argument(
        "--network",
        default="enhancer",
        metavar="NAME",
        help="global, unet, one or enhancer (the default)",
    )
    return export


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def seed(text: str) -> int:
    """A whole number from 0."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)
