"""A U-Net in place of the global network: what the coarse-to-fine generator is compared with.

Reads the same encoded layouts and features, is trained by the same objective. Source: pix2pixHD,
section 4.1, "Analysis of the generator", and Table 3.
"""

from __future__ import annotations

from torch import Tensor, nn

from exemplar.training.unet import UNet, UNetSettings, padded_to


class UNetGenerator(nn.Module):
    """The U-Net of pix2pix, without its dropout: looks come from the features of styles.

    Args:
        channels: of the input.
        settings: sizes; `levels` must be known, `noisy` does not count.
    """

    def __init__(self, channels: int, settings: UNetSettings) -> None:
        super().__init__()
        self.network = UNet(channels, settings)

    def forward(self, x: Tensor) -> Tensor:
        """Images of layouts of any size.

        Args:
            x: (B, C, H, W) encoded layouts, with features.

        Returns:
            (B, 3, H, W) in [-1, 1].
        """
        height, width = x.shape[2:]
        padded, (top, left) = padded_to(x, 2**self.network.levels)
        images = self.network.decode(self.network.encode(padded), None)[:, 0]
        return images[:, :, top : top + height, left : left + width]
