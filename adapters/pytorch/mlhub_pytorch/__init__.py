"""The ``pytorch`` adapter: a loop for models of PyTorch, the user's or a built-in one."""
