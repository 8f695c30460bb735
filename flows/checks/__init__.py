"""What `exemplar doctor` looks at, one module a subject."""
