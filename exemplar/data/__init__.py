"""Where images come from: rendered heads, and photographs of many layouts.

One module a kind of domain (`rendered`, `folder`, `pets`, `celeba`, `zappos`, `pairs`); each lists
its inputs and turns one into arrays. `ingest` checks all inputs and writes the domain's store.
"""
