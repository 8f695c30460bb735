"""Semantic Image Analogy: one image and its label map, then an image for any other label map.

Source: Li et al., "Semantic Image Analogy with a Conditional Single-Image GAN", 2020.
"""
