"""A training loop configured by Hydra."""

import hydra
import torch
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config: DictConfig) -> None:
    """Fits a linear layer to noise."""
    torch.manual_seed(config.seed)
    model = torch.nn.Linear(config.model.width, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.optim.lr)
    for epoch in range(config.epochs):
        loss = model(torch.randn(16, config.model.width)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print("epoch %d loss %.4f" % (epoch, loss.item()))


if __name__ == "__main__":
    main()
