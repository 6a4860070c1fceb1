"""Random patches as an engine takes them, and as the network does."""

import numpy as np
import torch


def patches(*sides: int, seed: int = 6) -> list[np.ndarray]:
    """Square patches, BGR, of these sides."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (side, side, 3), np.uint8) for side in sides]


def as_tensor(patch: np.ndarray) -> torch.Tensor:
    """1 x 3 x side x side, 0 to 255."""
    return torch.from_numpy(patch).permute(2, 0, 1)[None].float()
