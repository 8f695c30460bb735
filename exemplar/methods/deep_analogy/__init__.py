"""Deep Image Analogy: dense correspondence between two images, and what it transfers.

Source: Liao et al., "Visual Attribute Transfer through Deep Image Analogy", 2017.
"""
