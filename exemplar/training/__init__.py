"""The one training loop, and what goes into its batches."""
