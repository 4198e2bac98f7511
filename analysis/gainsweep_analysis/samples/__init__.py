"""Sample files: named tensors for models of torch.export."""
