"""One module per stage of `dvc.yaml`, of the same name: files in, files out, nothing else."""
