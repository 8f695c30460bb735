"""PixelNN at the photographs' own size: pictures composed of patches of a few whole photographs."""
