"""Where images come from: rendered heads, and photographs of many layouts.

One module a kind of domain (`rendered`, `folder`, `pets`, `celeba`, `zappos`, `pairs`,
`cityscapes`); each lists its inputs and turns one into arrays. `ingest` checks all photographs, and
`layouts` all label maps, and writes the domain's store.
"""
