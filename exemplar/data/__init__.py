"""Where images come from: rendered heads, photographs of many layouts, sets of small images.

One module a kind of domain: `rendered`; `folder`, `pets`, `celeba`, `zappos`, `pairs`, which list
photographs, turn one into arrays, and are checked and stored by `ingest`; `cityscapes`, by
`layouts`; `idx`, `digits`, `cifar10`, which read whole files, by `image_sets`. `domains` chooses.
"""
