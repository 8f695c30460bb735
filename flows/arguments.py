"""What the commands that answer a user's own inputs take on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from exemplar.data.problems import Problems, raise_all
from flows.argument_types import backbone, count, named_file, seed


def add_synth(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """`exemplar synth`."""
    synth = commands.add_parser(
        "synth",
        help="candidates, sources and attribution for your own inputs",
        description="Writes for each input a folder with the candidates, best first, a contact "
        "sheet, sources.npz, attribution.csv and a correspondence picture.",
    )
    synth.add_argument("inputs", nargs="+", type=named_file, metavar="INPUT", help="image files")
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
        type=named_file,
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
        "--method",
        choices=("whole", "coherent", "pixelnn"),
        default="whole",
        help="whole: pictures of patches, as large as the photographs; coherent: of pixels and "
        "what f(x) lacks, at the size of the networks' images; pixelnn: as published, neither "
        "coherent nor ranked; default: %(default)s",
    )
    synth.add_argument(
        "--size",
        type=count,
        metavar="N",
        help="of whole pictures, pixels of the longer side; default: as large as most photographs "
        "are, at most whole.detail of params.yaml",
    )
    synth.add_argument(
        "--photographs",
        action="store_true",
        help="the inputs are photographs to extract the condition from",
    )
    synth.add_argument(
        "--fit",
        choices=("crop", "pad", "stretch"),
        default="crop",
        help="how inputs of another shape than the exemplars' get theirs: crop to the centre, pad, "
        "or stretch; default: %(default)s",
    )
    return synth


def check_synth(args: argparse.Namespace) -> None:
    """Checks that the options of `exemplar synth` go together.

    Raises:
        RequestError: some do not; all of them are told.
    """
    wrong: Problems = []
    if args.alike_count is not None and args.like is None:
        wrong.append(
            "--like COUNT says how many exemplars look like the photograph of --from IMAGE; "
            "name one, or leave --like out"
        )
    if args.size is not None and args.method != "whole":
        wrong.append(
            f"--size is of --method whole, pictures of {args.method} are as large as the networks' "
            "images; leave one of them out"
        )
    raise_all(wrong)


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
        type=named_file,
        metavar="LABELS",
        help="a label map, a folder of them, or the id of an image of the domain",
    )
    edit.add_argument("--domain", required=True, help="whose classes: a domain of run.layouts")
    edit.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    edit.add_argument(
        "--instances",
        type=named_file,
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
        type=named_file,
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
        type=named_file,
        metavar="IMAGE",
        help="also what the model makes most like these images",
    )
    return sample


def add_analogy(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """`exemplar analogy`."""
    analogy = commands.add_parser(
        "analogy",
        help="where two images correspond, and each one's look given to the other",
        description="Writes, by Deep Image Analogy, A in the look of B and B in the look of A, "
        "where every pixel was found in the other image, and a picture of that.",
    )
    analogy.add_argument(
        "a",
        nargs="?",
        type=named_file,
        metavar="A",
        help="an image; in a time lapse perhaps a folder",
    )
    analogy.add_argument(
        "b", nargs="?", type=named_file, metavar="B", help="likewise, the reference"
    )
    analogy.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder to write to"
    )
    analogy.add_argument(
        "--batch",
        type=named_file,
        metavar="CSV",
        help="many pairs: a table with columns a and b, and perhaps name, mode, strength, labels "
        "and keypoints; what is there already is not made again",
    )
    analogy.add_argument(
        "--mode",
        choices=("photo-to-style", "style-to-style", "style-to-photo", "photo-to-photo",
                 "time-lapse"),
        default="photo-to-style",
        help="what the images are; photographs keep their own detail, and time-lapse takes an "
        "image and a folder; default: photo-to-style",
    )  # fmt: skip
    analogy.add_argument(
        "--strength",
        choices=("1", "2", "3", "aligned"),
        help="how much of each image's own structure stays: 1 little, 3 much, aligned (of views "
        "of one scene) all; default: that of params.yaml",
    )
    analogy.add_argument(
        "--labels", type=named_file, metavar="MAP", help="a label map of A, to be carried to B"
    )
    analogy.add_argument(
        "--keypoints",
        type=named_file,
        metavar="CSV",
        help="points of A, columns x, y and perhaps name, to be found in B",
    )
    analogy.add_argument(
        "--reconstruction",
        choices=("voted", "reextracted", "learned", "deconvolution", "deconvolution_from_noise"),
        help="how features are brought from one level to the next",
    )
    analogy.add_argument(
        "--backbone",
        type=backbone,
        metavar="KIND[:FILE]",
        help="whose features are compared: estimator, efficientnet_lite2, vgg19_small:FILE, "
        "vgg19_normalised:FILE, torchvision, which is VGG-19, or torchvision:FILE",
    )
    analogy.add_argument(
        "--side", type=count, metavar="N", help="larger images are matched at so many pixels a side"
    )
    analogy.add_argument(
        "--mirror",
        choices=("never", "auto", "always"),
        help="whether B is matched in a mirror, for things that face the other way: auto where "
        "that fits so much better; default: that of params.yaml, never",
    )
    analogy.add_argument("--seed", type=seed, metavar="N", help="of the search")
    analogy.add_argument("--device", metavar="NAME", help="cpu or cuda")
    return analogy


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
