"""What cannot be written as a checkpoint is said, and nothing is left of it."""

import copy

import pytest
import torch

from siamx_ros.cli import guarded
from siamx_ros.config import NetworkConfig
from siamx_ros.model import weights
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError

LAYER = 'neck.0.0'


@pytest.fixture(scope='module')
def network():
    return SiamXNet(NetworkConfig.light()).eval()


def test_weights_beyond_the_range_of_fp16_are_refused(network, tmp_path):
    wide = copy.deepcopy(network)
    dict(wide.named_parameters())[f'{LAYER}.weight'].data[0] = -7e4
    with pytest.raises(WeightsError, match=f'{LAYER}.weight holds 70000, fp16 at most 65504'):
        weights.save_checkpoint(tmp_path / 'half.pt', wide, half=True)
    assert not list(tmp_path.iterdir())
    weights.save_checkpoint(tmp_path / 'whole.pt', wide)
    assert torch.isfinite(weights.load_checkpoint(
        tmp_path / 'whole.pt').network.state_dict()[f'{LAYER}.weight']).all()


def test_nothing_is_left_on_a_full_disk(network, tmp_path, capsys):
    saved = tmp_path / 'model.pt'
    weights.save_checkpoint(saved, network)
    before = saved.read_bytes()

    def save():
        saved.with_name('model.pt.partial').symlink_to('/dev/full')
        weights.save_checkpoint(saved, network)
        return 0
    assert guarded(save) == 1
    assert capsys.readouterr().err == f'error: cannot write {saved}: No space left on device\n'
    assert [path.name for path in saved.parent.iterdir()] == ['model.pt']
    assert saved.read_bytes() == before
