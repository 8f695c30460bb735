"""Published numbers are those of the papers: lines of their tables, as they are printed there."""

from __future__ import annotations

import re

import pytest

from exemplar.report import analogy_scores, glann_published, layout_scores, pix2pixhd_table
from exemplar.report.published import published_table
from exemplar.report.tables import METRICS

# Bansal, Sheikh and Ramanan, "PixelNN: Example-based Image Synthesis", Table 1.
PIXELNN_1 = """
Normals-to-RGB        Mean Median RMSE 11.25° 22.5° 30° AP
Human Faces
Pix-to-Pix            17.2 14.3 21.0 37.2 74.7 86.8 0.34
Pix-to-Pix (Oracle)   15.8 13.1 19.4 41.9 78.5 89.3 0.34
PixelNN (Rand-1)      12.8 10.4 16.0 54.2 86.6 94.1 0.38
PixelNN (Oracle)      10.8 8.7 13.5 63.7 91.6 96.7 0.42
Cats and Dogs
Pix-to-Pix            14.7 12.8 17.5 42.6 82.5 92.9 0.82
Pix-to-Pix (Oracle)   13.2 11.4 15.7 49.2 87.1 95.3 0.85
PixelNN (Rand-1)      16.6 14.3 19.8 36.8 76.2 88.8 0.80
PixelNN (Oracle)      13.8 11.9 16.6 46.9 84.9 94.1 0.92
Edges-to-RGB          AP Mean Median RMSE 11.25° 22.5° 30°
Human Faces
Pix-to-Pix            0.35 12.1 9.6 15.5 58.1 88.1 94.7
Pix-to-Pix (Oracle)   0.35 11.5 9.1 14.6 61.1 89.7 95.6
PixelNN (Rand-1)      0.38 13.3 10.6 16.8 52.9 85.0 92.9
PixelNN (Oracle)      0.41 11.3 9.0 14.4 61.6 90.0 95.7
Cats and Dogs
Pix-to-Pix            0.78 18.2 16.0 21.8 32.4 71.0 85.1
Pix-to-Pix (Oracle)   0.81 16.5 14.2 19.8 37.2 76.4 89.0
PixelNN (Rand-1)      0.77 18.9 16.4 22.5 30.3 68.9 83.5
PixelNN (Oracle)      0.89 16.3 14.1 19.6 37.6 77.0 89.4
"""

# Hoshen, Li and Malik, "Non-Adversarial Image Synthesis with Generative Latent Nearest Neighbors",
# Table 1, then sections 4.1 (VAE with the perceptual loss, GLANN by Places) and 4.2.
GLANN_1 = """
         MM GAN      NS GAN      LSGAN        WGAN        BEGAN       VAE          GLO      Ours
MNIST    9.8 ± 0.9   6.8 ± 0.5   7.8 ± 0.6    6.7 ± 0.4   13.1 ± 1.0  23.8 ± 0.6   49.6 ± 0.3 8.6 ± 0.1
Fashion  29.6 ± 1.6  26.5 ± 1.6  30.7 ± 2.2   21.5 ± 1.6  22.9 ± 0.9  58.7 ± 1.2   57.7 ± 0.4 13.0 ± 0.1
Cifar10  72.7 ± 3.6  58.5 ± 1.9  87.1 ± 47.5  55.2 ± 2.3  71.4 ± 1.6  155.7 ± 11.6 65.4 ± 0.2 46.5 ± 0.2
CelebA   65.6 ± 4.2  55.0 ± 3.3  53.9 ± 2.8   41.3 ± 2.0  38.9 ± 0.9  85.7 ± 3.8   52.4 ± 0.5 46.3 ± 0.1
"""  # noqa: E501
GLANN_TEXT = {
    "vae_perceptual": "MNIST 23.7 Fashion 41.2 Cifar10 86.0 CelebA 60.8",
    "glann_places": "MNIST 9.5 Fashion 13.5 Cifar10 56.7 CelebA 34.8",
}
GLANN_PRD = {
    "glann": "MNIST (0.971, 0.979), Fashion (0.985, 0.963), CIFAR10 (0.860, 0.825) and CelebA "
    "(0.574, 0.681)",
    "glo_gaussian": "MNIST (0.845, 0.616), Fashion (0.888, 0.594), CIFAR10 (0.693, 0.680), CelebA "
    "(0.509, 0.404)",
}

# Liao, Yao, Yuan, Hua and Kang, "Visual Attribute Transfer through Deep Image Analogy", Tables 1
# and 2.
ANALOGY_1 = """
SIFT Flow     DeepFlow2    PatchMatch   ours
PSNR          27.97 30.04 35.18 34.16
Endpoint err. 0.91 0.34 22.40 3.21
"""
ANALOGY_2 = """
aero bike boat bottle bus car chair table mbike sofa train tv mean
PatchMatch        6.5 6.3 2.6 2.9 2.3 4.7 3.3 12.5 2.0 0.0 4.2 2.6 4.2
SIFT Flow         8.1 14.3 5.1 26.1 25 20.9 13.3 6.3 14.3 15.4 4.2 44.7 16.5
Cycle consistency 12.9 6.3 10.3 39.1 27.3 23.3 13.3 12.5 6.1 19.2 12.5 36.8 18.3
Ours              19.4 7.9 15.4 27.5 47.7 11.6 20.0 6.3 18.4 15.4 12.5 50.0 21.0
"""

# Li, Xiong, Liu, Chen and Zha, "Semantic Image Analogy with a Conditional Single-Image GAN",
# Table 1: IA, DIA, ours.
LAYOUT_1 = """
Avg. User Ranking   2.26 2.005 1.735
Pixel-wise Accuracy 43.9 41.9 54.0
Mean IOU            44.0 38.7 45.7
"""

# Wang, Liu, Zhu, Tao, Kautz and Catanzaro, "High-Resolution Image Synthesis and Semantic
# Manipulation with Conditional GANs", Tables 1 (pix2pix, CRN, ours, oracle), 3 (U-Net, CRN, our
# generator) and 5 (single D, multi-scale Ds).
PIX2PIXHD = {
    "1": """
Pixel acc 78.34 70.55 83.78 84.29
Mean IoU  0.3948 0.3483 0.6389 0.6857
""",
    "3": """
Pixel acc (%) 77.86 78.96 83.78
Mean IoU      0.3905 0.3994 0.6389
""",
    "5": """
Pixel acc (%) 82.87 83.78
Mean IoU      0.5775 0.6389
""",
}
PIX2PIXHD_COLUMNS = {
    "1": [("pix2pix", ""), ("CRN", ""), ("global + enhancer", "multi-scale"), ("real", "")],
    "3": [(name, "multi-scale") for name in ("U-Net", "CRN", "global + enhancer")],
    "5": [("global + enhancer", "one"), ("global + enhancer", "multi-scale")],
}


def numbers(line: str) -> list[float]:
    """The numbers at a line's end."""
    found = re.search(r"((?:\s+\d+(?:\.\d+)?)+)$", line)
    return [float(value) for value in found[1].split()] if found else []


def rows(text: str) -> list[list[float]]:
    return [numbers(line) for line in text.strip().splitlines() if numbers(line)]


def test_pixelnn() -> None:
    wanted, condition, domain = {}, "", ""
    named = {
        "Pix-to-Pix": ("pix2pix", "single"),
        "Pix-to-Pix (Oracle)": ("pix2pix", "oracle"),
        "PixelNN (Rand-1)": ("pixelnn", "rand-1"),
        "PixelNN (Oracle)": ("pixelnn", "oracle"),
    }
    for line in PIXELNN_1.strip().splitlines():
        name, values = re.split(r"\s{2,}", line)[0], numbers(line)
        if "-to-RGB" in name:
            condition = name.removesuffix("-to-RGB").lower()
        elif name not in named:
            domain = name.lower()
        else:  # under edges, AP stands first
            values = [*values[1:], values[0]] if condition == "edges" else values
            wanted[domain, condition, *named[name]] = values
    table = published_table("pixelnn")
    assert table is not None
    keys = ["domain", "condition", "method", "selection"]
    found = {tuple(row[k] for k in keys): [row[m] for m in METRICS] for _, row in table.iterrows()}
    assert found == wanted and len(wanted) == 16


def test_glann() -> None:
    order = (
        "mm_gan", "ns_gan", "lsgan", "wgan", "began", "vae_l1", "glo_gaussian", "glann",
    )  # fmt: skip
    sets = dict(
        zip(("MNIST", "Fashion", "Cifar10", "CelebA"), glann_published.DATASETS, strict=True)
    )
    fid, deviation, prd = {}, {}, {}
    for line in GLANN_1.strip().splitlines()[1:]:
        cells = re.findall(r"([\d.]+) ± ([\d.]+)", line)
        for method, (value, spread) in zip(order, cells, strict=True):
            key = (method, sets[line.split()[0]])
            fid[key], deviation[key] = float(value), float(spread)
    for method, said in GLANN_TEXT.items():
        for name, value in re.findall(r"(\w+) ([\d.]+)", said):
            fid[method, sets[name]] = float(value)
    for method, said in GLANN_PRD.items():
        pairs = re.findall(r"\(([\d.]+), ([\d.]+)\)", said)
        for dataset, (f8, f1_8) in zip(glann_published.DATASETS, pairs, strict=True):
            prd[method, dataset] = (float(f8), float(f1_8))
    table = glann_published.published().set_index(["method", "dataset"])
    assert table["fid"].to_dict() == fid
    assert table["fid_deviation"].dropna().to_dict() == deviation
    both = table[["f8", "f1_8"]].dropna()
    assert {key: tuple(row) for key, row in both.iterrows()} == prd


def test_deep_image_analogy() -> None:
    columns = ("sift_flow", "deepflow2", "patchmatch", "deep_analogy")
    quality = dict(zip(columns, zip(*rows(ANALOGY_1), strict=True), strict=True))
    assert quality == analogy_scores._TABLE_1
    order = ("patchmatch", "sift_flow", "cycle", "deep_analogy")
    lines = dict(zip(order, rows(ANALOGY_2), strict=True))
    assert {name: tuple(line[:-1]) for name, line in lines.items()} == analogy_scores._TABLE_2
    assert {name: line[-1] for name, line in lines.items()} == analogy_scores._MEANS_2
    short = ANALOGY_2.split()[: len(analogy_scores.CATEGORIES)]
    full = {"bike": "bicycle", "table": "diningtable", "mbike": "motorbike"}
    for name, category in zip(short, analogy_scores.CATEGORIES, strict=True):
        assert category.startswith(full.get(name, name))


def test_semantic_image_analogy() -> None:
    methods = ("Image Analogies", "Deep Image Analogy", "Semantic Image Analogy")
    wanted = tuple(zip(methods, *rows(LAYOUT_1), strict=True))
    assert wanted == layout_scores._TABLE_1


@pytest.mark.parametrize("number", list(PIX2PIXHD))
def test_pix2pixhd(number: str) -> None:
    columns = PIX2PIXHD_COLUMNS[number]
    wanted = dict(zip(columns, zip(*rows(PIX2PIXHD[number]), strict=True), strict=True))
    table = pix2pixhd_table.published()
    table = table[table["table"].str.split(", ").map(lambda said: number in said)]
    found = {
        (row["generator"], row["discriminator"]): (row["pixel_accuracy"], row["mean_iou"])
        for _, row in table.iterrows()
    }
    assert found == wanted
