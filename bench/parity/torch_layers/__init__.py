"""Every layer with a formula in PyTorch, for layers.py: a module a family."""
