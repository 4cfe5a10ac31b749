"""The ``lightning`` adapter: modules of PyTorch Lightning as they are."""
