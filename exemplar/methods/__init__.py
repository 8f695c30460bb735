"""One file or folder per system."""
