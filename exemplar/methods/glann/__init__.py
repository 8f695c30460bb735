"""GLANN: images from noise, without adversaries.

An embedding of the training images is learned together with a generator (`glo`), then a mapping
from noise to that embedding by nearest neighbours (`imle`); beside it the methods that it is
compared with (`baselines`). Source: Hoshen, Li, Malik, "Non-Adversarial Image Synthesis with
Generative Latent Nearest Neighbors", 2019.
"""
