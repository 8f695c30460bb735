"""What adversarial training minimises: functions of a discriminator's outputs.

Discriminators (`patchgan`) return maps of logits, one a patch; every loss here is a mean over them.
Losses are computed in float32 whatever the networks' precision.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Kind = Literal["vanilla", "lsgan"]
"""`vanilla`: cross entropy (pix2pix, Eq. 1); `lsgan`: squared error (pix2pixHD, section 4)."""


def adversarial(logits: Tensor, real: bool, kind: Kind) -> Tensor:
    """How far a discriminator is from calling all patches real, or all of them made up.

    The discriminator minimises it with `real=True` on photographs and `real=False` on synthesised
    images; the generator minimises it with `real=True` on its own images (the non-saturating form
    of pix2pix, section 3.1).

    Args:
        logits: any shape; unbounded.
        real: what the patches are to be called.
        kind: `vanilla`, −log σ(±logits); or `lsgan`, (logits − 1)² or logits².

    Returns:
        A scalar float32, the mean over patches.

    Raises:
        ValueError: there is no such kind.

    Example:
        >>> adversarial(torch.tensor([0.0, 0.0]), True, "lsgan")
        tensor(1.)
    """
    logits = logits.float()
    if kind == "vanilla":
        return functional.softplus(-logits if real else logits).mean()
    if kind == "lsgan":
        return (logits - float(real)).square().mean()
    raise ValueError(f"kind must be vanilla or lsgan, got {kind!r}")


def discriminator_loss(fake: Tensor, real: Tensor, kind: Kind) -> Tensor:
    """Half the sum of both errors: the discriminator learns at half the generator's rate.

    Source: pix2pix, section 3.3 (the objective is divided by 2); so does pix2pixHD's code.

    Args:
        fake: logits of synthesised images, which must be detached from the generator.
        real: logits of photographs.
        kind: as for `adversarial`.

    Returns:
        A scalar float32.
    """
    return 0.5 * (adversarial(fake, False, kind) + adversarial(real, True, kind))


def feature_matching(fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
    """Distance between a discriminator's features of synthesised images and of photographs.

    Source: pix2pixHD, Eq. 4, weighed as in its code: the mean over scales of the sums of the
    layers' mean absolute differences; of discriminators with other than four intermediate layers,
    the sum is brought to that of four. The paper's λ = 10 is the caller's.

    Args:
        fake: scales × layers of features, as `MultiScale` gives them; the last layer, the logits,
            does not count.
        real: the same for the photographs; no gradient flows into them.

    Returns:
        A scalar float32.

    Raises:
        ValueError: the numbers of scales or of layers, or shapes, differ.
    """
    shapes = [[[tuple(x.shape) for x in maps] for maps in scales] for scales in (fake, real)]
    if shapes[0] != shapes[1] or not fake or any(len(maps) < 2 for maps in fake):
        raise ValueError(
            "expected the features of two batches from the same discriminators, each with an "
            f"intermediate layer and logits; got shapes {shapes[0]} and {shapes[1]}"
        )
    sums = []
    for ours, theirs in zip(fake, real, strict=True):
        pairs = zip(ours[:-1], theirs[:-1], strict=True)
        means = [functional.l1_loss(a.float(), b.detach().float()) for a, b in pairs]
        sums.append(4 / len(means) * torch.stack(means).sum())
    return torch.stack(sums).mean()
