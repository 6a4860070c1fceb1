"""Files of weights: damage that torch overlooks or stumbles over, and places without a file."""

import os
from pathlib import Path
import random

import pytest
import torch

from siamx_ros.config import NetworkConfig
from siamx_ros.model import weights
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError

LONG = 'x' * 300


def of_a_tensor(data, tensor):
    """A bit in the middle of its numbers."""
    return data.index(tensor) + len(tensor) // 2, 1


def of_the_list(data, tensor):
    """That a tensor is a folder: torch would leave it as the memory was before."""
    return data.index(b'archive/data/1PK\x01\x02') - 46 + 38, 0x10


@pytest.mark.parametrize('place', [of_a_tensor, of_the_list])
def test_one_bit_that_torch_overlooks(tmp_path, place):
    path, network = tmp_path / 'model.pt', SiamXNet(NetworkConfig.light()).eval()
    weights.save_checkpoint(path, network)
    data = bytearray(path.read_bytes())
    at, bit = place(data, network.neck[0][0].weight.detach().numpy().tobytes())
    data[at] ^= bit
    path.write_bytes(data)
    with pytest.raises(WeightsError, match='truncated, damaged or no torch file.*checksum'):
        weights.load_checkpoint(path)


@pytest.mark.filterwarnings('ignore')
def test_damage_in_the_old_format_is_refused_or_harmless(tmp_path):
    """Whatever torch stumbles over: it has no checksums there."""
    path = tmp_path / 'old.pth'
    torch.save({'state_dict': {'a': torch.zeros(3), 'b': torch.ones(2)}}, path,
               _use_new_zipfile_serialization=False)
    whole, rng, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(400):
        data = bytearray(whole[:rng.randrange(len(whole))] if rng.random() < 0.3 else whole)
        for _ in range(rng.choice([1, 3, 20])):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            weights.read_file(path)
        except WeightsError:
            refused += 1
    assert refused > 200


@pytest.fixture
def homeless(monkeypatch):
    """As for a user whom the system does not know, without HOME."""
    def nowhere(path):
        raise RuntimeError('Could not determine home directory.')
    monkeypatch.setattr(Path, 'expanduser', nowhere)
    monkeypatch.delenv('HOME', raising=False)


def test_without_a_home_what_is_shipped_is_found(homeless):
    assert weights.find_weights('default') == weights.SHIPPED / 'default.pt'
    with pytest.raises(WeightsError, match=f"no weights named 'other' in {weights.SHIPPED};"):
        weights.find_weights('other')


@pytest.mark.parametrize('name, reason', [
    (f'~nosuchuser{os.sep}x.pt', 'home directory'), (LONG, 'too long'),
    (f'{LONG}.pt', 'too long')], ids=['unknown user', 'name', 'path'])
def test_names_that_cannot_be_looked_for(name, reason):
    with pytest.raises(WeightsError, match=f"weights '{name}' cannot be looked for: .*{reason}"):
        weights.load_checkpoint(name)


def test_a_folder_that_may_not_be_read(monkeypatch, tmp_path):
    def refused(path):
        raise PermissionError(13, 'Permission denied', str(path))
    monkeypatch.setenv('SIAMX_WEIGHTS', str(tmp_path))
    monkeypatch.setattr(Path, 'is_file', refused)
    with pytest.raises(WeightsError, match=f'Permission denied.*{tmp_path}'):
        weights.load_checkpoint('default')
