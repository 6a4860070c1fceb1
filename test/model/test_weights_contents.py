"""Checkpoints that can be read, but hold what no network can use: each is refused by a sentence."""

import warnings

import pytest
import torch

from siamx_ros.config import NetworkConfig
from siamx_ros.model import weights
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError

SCALE, VARIANCE = 'head.adjust', 'backbone.stem.1.running_var'


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """A checkpoint of a light network."""
    path = tmp_path_factory.mktemp('weights') / 'model.pt'
    weights.save_checkpoint(path, SiamXNet(NetworkConfig.light()).eval())
    return path


@pytest.fixture
def changed(saved, tmp_path):
    """A function: what changes the content -> a checkpoint with it."""
    def change(by):
        content = torch.load(saved, weights_only=True)
        by(content)
        torch.save(content, tmp_path / 'odd.pt')
        return tmp_path / 'odd.pt'
    return change


def quantised(value):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # torch is about to drop them
        return torch.quantize_per_tensor(value, 0.1, 0, torch.qint8)


def nested(value):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of a prototype
        return torch.nested.nested_tensor([value, value])


@pytest.mark.filterwarnings('ignore:.*TypedStorage is deprecated')
@pytest.mark.parametrize('change, named', [
    (lambda v: v.to(torch.float8_e4m3fn), 'float8_e4m3fn'), (lambda v: v.to_sparse(), 'sparse_coo'),
    (lambda v: v.to('meta'), 'meta'), (quantised, 'qint8'), (nested, 'nested'),
    (lambda v: v.to(torch.complex64), 'complex64'), (lambda v: v > 0, 'bool')],
    ids=['float8', 'sparse', 'meta', 'quantised', 'nested', 'complex', 'bool'])
def test_tensors_of_other_kinds(changed, change, named):
    path = changed(lambda c: c['state_dict'].update({SCALE: change(c['state_dict'][SCALE])}))
    with pytest.raises(WeightsError, match=rf'must hold {SCALE} as dense floats.*{named}'):
        weights.load_checkpoint(path)


@pytest.mark.parametrize('kind', [torch.float16, torch.bfloat16, torch.float64])
def test_numbers_of_any_width_are_taken(changed, kind):
    path = changed(lambda c: c['state_dict'].update({SCALE: c['state_dict'][SCALE].to(kind)}))
    assert weights.load_checkpoint(path).network.head.adjust.dtype == torch.float32


@pytest.mark.parametrize('name, value, sentence', [
    (SCALE, torch.tensor([1e300], dtype=torch.float64), f'{SCALE} that are not finite in float32'),
    (VARIANCE, torch.full((32,), -1.5), f'variances below 0 in {VARIANCE}: -1.5')])
def test_numbers_that_no_network_can_use(changed, name, value, sentence):
    path = changed(lambda c: c['state_dict'].update({name: value}))
    with pytest.raises(WeightsError, match=sentence):
        weights.load_checkpoint(path)


def test_names_that_are_no_text(changed):
    path = changed(lambda c: c['state_dict'].update({1: torch.zeros(1)}))
    with pytest.raises(WeightsError, match='holds no table of tensors by their names'):
        weights.load_checkpoint(path)


@pytest.mark.parametrize('name, size', [
    ('widths', [32, 32, 64, 10**7]), ('widths', [32, 32, 64, 10**30]), ('blocks', [10**9, 2, 3])])
def test_a_network_of_any_size_is_not_made(changed, name, size, monkeypatch):
    monkeypatch.setattr(weights, 'make_network', lambda config: pytest.fail('it was made'))
    path = changed(lambda c: c['network'].update({name: size}))
    with pytest.raises(WeightsError, match=f'describes a larger network than .*{max(size)}'):
        weights.load_checkpoint(path)


def test_a_network_that_memory_cannot_hold(changed):
    """One tensor that claims any size without having it."""
    def change(content):
        content['network'].update(widths=[32, 32, 64, 10**12])
        content['state_dict'][SCALE] = torch.zeros(1).expand(10**12)
    with pytest.raises(WeightsError, match='describes a network that memory does not hold'):
        weights.load_checkpoint(changed(change))


@pytest.mark.parametrize('name', ['calibration', 'ranges', 'card'])
def test_a_tensor_in_place_of_a_table(changed, name):
    path = changed(lambda c: c.update({name: torch.zeros(2)}))
    with pytest.raises(WeightsError, match=f'a table as {name}, got Tensor'):
        weights.load_checkpoint(path)
