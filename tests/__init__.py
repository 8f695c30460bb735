"""A package, or an installed one of the same name would be found in its place."""
