"""Backbones, hypercolumns, and their projection to fewer dimensions."""
