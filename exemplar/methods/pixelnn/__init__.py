"""PixelNN: regress, match pixels, copy what is missing from named exemplars."""
