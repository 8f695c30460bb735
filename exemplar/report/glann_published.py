"""GLANN's published numbers, typed in from the paper; nothing here is computed.

They stand beside ours in the table and on the page.
"""

from __future__ import annotations

import pandas as pd

PAPER = (
    "Non-Adversarial Image Synthesis with Generative Latent Nearest Neighbors (Hoshen, Li, Malik), "
    "Table 1 and Sections 4.1 and 4.2"
)
FEATURES = "inception"
"""What the paper's FID and PRD are computed on."""

DATASETS = ("MNIST", "Fashion", "CIFAR-10", "CelebA")

# Table 1: FID and its deviation, by method, of each of `DATASETS`. Section 4.1 has the VAE with the
# perceptual loss and GLANN on features of a network trained on Places365, without deviations.
_FID: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "glann": ((8.6, 13.0, 46.5, 46.3), (0.1, 0.1, 0.2, 0.1)),
    "glann_places": ((9.5, 13.5, 56.7, 34.8), ()),
    "glo_gaussian": ((49.6, 57.7, 65.4, 52.4), (0.3, 0.4, 0.2, 0.5)),
    "vae_l1": ((23.8, 58.7, 155.7, 85.7), (0.6, 1.2, 11.6, 3.8)),
    "vae_perceptual": ((23.7, 41.2, 86.0, 60.8), ()),
    "mm_gan": ((9.8, 29.6, 72.7, 65.6), (0.9, 1.6, 3.6, 4.2)),
    "ns_gan": ((6.8, 26.5, 58.5, 55.0), (0.5, 1.6, 1.9, 3.3)),
    "lsgan": ((7.8, 30.7, 87.1, 53.9), (0.6, 2.2, 47.5, 2.8)),
    "wgan": ((6.7, 21.5, 55.2, 41.3), (0.4, 1.6, 2.3, 2.0)),
    "began": ((13.1, 22.9, 71.4, 38.9), (1.0, 0.9, 1.6, 0.9)),
}
# Section 4.2, as printed: F8, which is recall, first, and F1/8, which is precision, second.
_PRD: dict[str, tuple[tuple[float, float], ...]] = {
    "glann": ((0.971, 0.979), (0.985, 0.963), (0.860, 0.825), (0.574, 0.681)),
    "glo_gaussian": ((0.845, 0.616), (0.888, 0.594), (0.693, 0.680), (0.509, 0.404)),
}


def published() -> pd.DataFrame:
    """The numbers of the paper's Table 1 and of the text around it.

    Returns:
        A row for each method and data set: `dataset`, `method`, `fid`, `fid_deviation`,
        `fid_features`, `f8`, `f1_8`; NaN where the paper has no number.
    """
    nothing = float("nan")
    rows = []
    for method, (distances, deviations) in _FID.items():
        for place, dataset in enumerate(DATASETS):
            f8, f1_8 = _PRD[method][place] if method in _PRD else (nothing, nothing)
            rows.append(
                {
                    "dataset": dataset,
                    "method": method,
                    "fid": distances[place],
                    "fid_deviation": deviations[place] if deviations else nothing,
                    "fid_features": FEATURES,
                    "f8": f8,
                    "f1_8": f1_8,
                }
            )
    return pd.DataFrame(rows)
