"""The science of Exemplar: arrays and tensors in, arrays and tensors out."""
