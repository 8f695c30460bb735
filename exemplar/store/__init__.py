"""The on-disk layouts: Zarr arrays, Parquet tables, safetensors weights."""
