"""Nearest neighbours: whole images, and pixels in windows."""
