"""The synthetic weights of the parity vectors, and small networks with random ones."""

from pathlib import Path
import zlib

import numpy as np
import pytest
import torch

from siamx_ros.config import NetworkConfig
from siamx_ros.model.network import make_network

KEYS = Path(__file__).parent / 'authors_state_dict_keys.txt'


def authors_layout() -> list[tuple[str, tuple[int, ...], str]]:
    """(name, shape, use) of all 406 entries of the authors' state dict."""
    rows = []
    for line in KEYS.read_text(encoding='utf-8').splitlines():
        if line and not line.startswith('#'):
            name, shape, _, _, use = line.split('\t')
            rows.append(
                (name, tuple(int(n) for n in shape.strip('()').split(',') if n.strip()), use))
    return rows


@pytest.fixture(scope='session')
def authors_state() -> dict[str, torch.Tensor]:
    """The state dict whose outputs ``golden_parity.json`` records, float64, align head included."""
    return {name: _values(name, shape) for name, shape, _ in authors_layout()}


@pytest.fixture(scope='session')
def inference_names() -> set[str]:
    """The 341 names that inference needs."""
    return {name for name, _, use in authors_layout() if use == 'inference'}


@pytest.fixture(scope='module', params=['light', 'mobile'])
def network(request):
    """Random weights with statistics that keep activations in a sane range."""
    torch.manual_seed(5)
    network = make_network(getattr(NetworkConfig, request.param)())
    with torch.no_grad():
        for _ in range(2):
            network.train()(torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255)
    return network.eval()


def _values(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    if name.endswith('num_batches_tracked'):
        return torch.zeros(shape, dtype=torch.int64)
    rng = np.random.RandomState(zlib.crc32(name.encode('utf-8')) & 0x7FFFFFFF)
    g = torch.from_numpy(np.asarray(rng.standard_normal(shape)))
    if name.endswith('running_var'):
        return 1 + 0.1 * g.abs()
    if name.endswith('running_mean'):
        return 0.1 * g
    if name.endswith(('cls_weight', 'reg_weight')):
        return g
    if name.endswith('adjust'):
        return torch.full(shape, 0.1, dtype=torch.float64)
    if name == 'pred_head.bias':
        return 1 + 0.1 * g
    if g.ndim == 4:
        return 0.5 * g / np.sqrt(np.prod(shape[1:]))
    return 1 + 0.1 * g if name.endswith('.weight') else 0.1 * g
