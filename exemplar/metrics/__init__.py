"""How good a candidate is: one metric a file, functions on arrays, no network and no file."""
