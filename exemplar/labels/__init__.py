"""Label maps from anywhere: palettes, numbers, colours that are not exact, clusters, edits."""
