"""Pictures made of patches of one or many photographs, guided, with every pixel's source known."""
