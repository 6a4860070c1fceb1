"""Checkpoints: round trip, and every way in which a file is refused."""

import copy
import os
import pickle
import tarfile

import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.config import NetworkConfig
from siamx_ros.model import importing, weights
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError

LAYER = 'neck.0.0'


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(1)
    return SiamXNet(NetworkConfig.light()).eval()


@pytest.fixture
def saved(network, tmp_path):
    path = tmp_path / 'model.pt'
    weights.save_checkpoint(path, network, calibration={'bias': 0.5}, card={'name': 'x'},
                            ranges={LAYER: (-1.5, 2.5)})
    return path


def test_round_trip(network, saved):
    loaded = weights.load_checkpoint(saved)
    assert loaded.network.config == network.config
    for name, value in network.state_dict().items():
        assert torch.equal(value, loaded.network.state_dict()[name]), name
    assert loaded.calibration == {'bias': 0.5} and loaded.card == {'name': 'x'}
    assert loaded.ranges == {LAYER: (-1.5, 2.5)}
    assert len(loaded.sha256) == 64 and not loaded.network.training


@pytest.mark.parametrize('ranges, named', [
    ({'nowhere.0': (0.0, 1.0)}, 'nowhere'), ({LAYER: (0.0, float('nan'))}, LAYER),
    ({LAYER: (1.0, 2.0)}, LAYER), ({LAYER: (0.0,)}, LAYER), ({LAYER: 'wide'}, LAYER),
    ([1], 'list')])
def test_ranges_that_are_none(network, tmp_path, ranges, named):
    weights.save_checkpoint(tmp_path / 'model.pt', network, ranges=ranges)
    with pytest.raises(WeightsError, match=named):
        weights.load_checkpoint(tmp_path / 'model.pt')


def test_half_is_half_the_size_and_keeps_statistics_beyond_the_range_of_fp16(
        network, saved, tmp_path):
    wide = copy.deepcopy(network)
    wide.backbone.stem[1].running_var.fill_(1.5e5)
    weights.save_checkpoint(tmp_path / 'half.pt', wide, half=True)
    assert (tmp_path / 'half.pt').stat().st_size < 0.55 * saved.stat().st_size
    loaded = weights.load_checkpoint(tmp_path / 'half.pt').network
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    assert torch.equal(loaded.backbone.stem[1].running_var, wide.backbone.stem[1].running_var)


@pytest.mark.parametrize('damage', [
    *(lambda content, keep=keep: content[:keep] for keep in (0, 10, 1000, 100_000)),
    lambda content: content[:len(content) // 2] + b'\xff' * 64 + content[len(content) // 2 + 64:]])
def test_damaged_files_are_refused(saved, damage):
    saved.write_bytes(damage(saved.read_bytes()))
    with pytest.raises(WeightsError, match='truncated|damaged'):
        weights.load_checkpoint(saved)


class Harm:
    """Unpickling it creates a file, if anything runs."""

    def __reduce__(self):
        return os.mkdir, ('harm_was_done',)


@pytest.mark.parametrize('legacy', [False, True])
def test_code_is_never_run(tmp_path, monkeypatch, legacy):
    monkeypatch.chdir(tmp_path)
    torch.save({'format': weights.FORMAT, 'state_dict': Harm()}, tmp_path / 'evil.pt',
               _use_new_zipfile_serialization=not legacy)
    with pytest.raises(WeightsError, match=r'refused.*\(posix.mkdir\)') as refusal:
        weights.load_checkpoint(tmp_path / 'evil.pt')
    assert 'weights_only' not in str(refusal.value) and 'trust' not in str(refusal.value)
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps(Harm()))
    with pytest.raises(WeightsError):
        weights.load_checkpoint(tmp_path / 'evil.pkl')
    assert not (tmp_path / 'harm_was_done').exists()


@pytest.mark.filterwarnings('ignore:.*TorchScript archive')
@pytest.mark.parametrize('form', ['TorchScript', 'tar'])
def test_no_unsafe_advice_on_old_formats(tmp_path, form):
    path = tmp_path / 'old.pt'
    if form == 'tar':
        with tarfile.open(path, 'w') as archive:
            archive.addfile(tarfile.TarInfo('storages'))
    else:
        torch.jit.script(torch.nn.Identity()).save(str(path))
    with pytest.raises(WeightsError, match='TorchScript or an old format') as refusal:
        weights.load_checkpoint(path)
    assert 'weights_only' not in str(refusal.value) and 'trust' not in str(refusal.value)


@pytest.mark.parametrize('change, message', [
    (lambda c: c['state_dict'].pop('head.adjust'), 'missing: head.adjust'),
    (lambda c: c['state_dict'].update(extra=torch.zeros(1)), 'unexpected: extra'),
    (lambda c: c['state_dict'].update({'head.adjust': torch.zeros(2)}), 'another shape'),
    (lambda c: c['state_dict'].update({'head.adjust': torch.tensor([float('nan')])}), 'not finite'),
    (lambda c: c['network'].update(channels=32), 'another shape'),
    (lambda c: c['network'].update(heads=3), 'unknown setting'),
    (lambda c: c.update(format='other'), 'not a siamx-checkpoint'),
    (lambda c: c.update(calibration=[1]), 'a table as calibration, got list'),
    (lambda c: c.update(card='x'), 'a table as card, got str'),
    (lambda c: c.update(state_dict=[1, 2]), 'no table of tensors')])
def test_misfits_are_named(saved, change, message):
    content = torch.load(saved, weights_only=True)
    change(content)
    torch.save(content, saved)
    with pytest.raises(WeightsError, match=message):
        weights.load_checkpoint(saved)


def test_unknown_name_lists_places(monkeypatch, tmp_path):
    monkeypatch.setenv('SIAMX_WEIGHTS', str(tmp_path))
    with pytest.raises(WeightsError, match=str(tmp_path)):
        weights.load_checkpoint('nothing-like-it')


def test_missing_path(tmp_path):
    with pytest.raises(WeightsError, match='does not exist'):
        weights.load_checkpoint(tmp_path / 'absent.pt')


def test_a_folder_is_named_as_such(tmp_path, capsys):
    assert main(['import-weights', str(tmp_path), '--out', str(tmp_path / 'siamx.pt')]) == 2
    assert f'weights file {tmp_path} is a folder' in capsys.readouterr().err
    with pytest.raises(WeightsError, match='is a folder'):
        importing.start_backbone(SiamXNet(), tmp_path)


def test_name_is_found_in_the_search_path(saved, monkeypatch):
    monkeypatch.setenv('SIAMX_WEIGHTS', str(saved.parent))
    assert weights.load_checkpoint('model').path == str(saved)


def test_names_cover_the_authors_layout(authors_state, inference_names):
    ours = {n for n in SiamXNet().state_dict() if not n.endswith('num_batches_tracked')}
    assert len(inference_names) == 341
    assert {importing.our_name(name) for name in inference_names} == ours


@pytest.mark.parametrize('wrapper', ['plain', 'ocean'])
def test_authors_file(authors_state, tmp_path, wrapper):
    """A synthetic SiamX.pth: legacy serialisation, wrappers, optimiser state, align head."""
    state = {name: value.float() for name, value in authors_state.items()}
    content = state
    if wrapper == 'ocean':
        content = {'epoch': 20, 'arch': 'SiamX', 'optimizer': {'state': {}, 'param_groups': []},
                   'state_dict': {f'module.feature_extractor.{n}': v for n, v in state.items()}}
    torch.save(content, tmp_path / 'SiamX.pth', _use_new_zipfile_serialization=False)
    assert main(['import-weights', str(tmp_path / 'SiamX.pth'), '--out',
                 str(tmp_path / 'siamx.pt')]) == 0
    loaded = weights.load_checkpoint(tmp_path / 'siamx.pt').network
    name = 'pred_head.feature_correlation1.reg_encoder.encoder_kernel.0.weight'
    assert torch.equal(loaded.state_dict()[importing.our_name(name)], state[name])


@pytest.mark.parametrize('change, message', [
    (lambda s: s.pop('pred_head.adjust'), 'missing: head.adjust'),
    (lambda s: s.update({'backbone.odd': torch.zeros(1)}), 'unexpected: backbone.odd')])
def test_authors_file_is_read_strictly(authors_state, tmp_path, change, message):
    state = dict(authors_state)
    change(state)
    torch.save(state, tmp_path / 'SiamX.pth', _use_new_zipfile_serialization=False)
    with pytest.raises(WeightsError, match=message):
        importing.import_authors(tmp_path / 'SiamX.pth')


def test_authors_file_as_checkpoint_says_what_to_do(authors_state, tmp_path):
    torch.save(dict(authors_state), tmp_path / 'SiamX.pth')
    with pytest.raises(WeightsError, match='import-weights'):
        weights.load_checkpoint(tmp_path / 'SiamX.pth')


def test_imagenet_stem_is_exact(tmp_path):
    """Our stem on BGR 0..255 answers as torchvision's on normalised RGB, padding aside."""
    network = SiamXNet().eval().double()
    state = _torchvision_state(network)
    torch.save(state, tmp_path / 'resnet50.pth')
    importing.start_backbone(network, tmp_path / 'resnet50.pth')
    image = torch.rand(1, 3, 31, 31, dtype=torch.float64) * 255
    mean = torch.tensor([0.485, 0.456, 0.406]).double()[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225]).double()[:, None, None]
    theirs = torch.nn.functional.conv2d((image.flip(1) / 255 - mean) / std,
                                        state['conv1.weight'].double(), stride=2)
    theirs = torch.nn.functional.batch_norm(
        theirs, *(state[f'bn1.{n}'].double()
                  for n in ('running_mean', 'running_var', 'weight', 'bias')))
    stem = network.backbone.stem
    torch.testing.assert_close(stem[1](stem[0](image)), theirs, rtol=1e-4, atol=1e-4)
    shortcut = network.backbone.layer3[0].shortcut[0].weight
    assert torch.equal(shortcut[:, :, 1, 1], state['layer3.0.downsample.0.weight'][:, :, 0, 0]
                       .double())
    assert shortcut[:, :, 0].abs().sum() == 0


def test_imagenet_file_of_another_network(tmp_path):
    torch.save({'conv1.weight': torch.zeros(64, 3, 7, 7)}, tmp_path / 'other.pth')
    with pytest.raises(WeightsError, match='does not hold a torchvision ResNet-50'):
        importing.start_backbone(SiamXNet(), tmp_path / 'other.pth')


@pytest.mark.parametrize('name, odd', [
    ('bn1.running_mean', torch.zeros(5)), ('layer2.0.downsample.0.weight', torch.zeros(512, 256)),
    ('conv1.weight', torch.zeros(64, 3, 7, 7).to_sparse())])
def test_imagenet_file_with_an_odd_tensor(tmp_path, name, odd):
    network = SiamXNet()
    torch.save({**_torchvision_state(network), name: odd}, tmp_path / 'odd.pth')
    with pytest.raises(WeightsError, match='odd.pth'):
        importing.start_backbone(network, tmp_path / 'odd.pth')


def _torchvision_state(network):
    """Random tensors under torchvision's names, shaped after our backbone."""
    generator = torch.Generator().manual_seed(2)
    state = {}
    for name, value in network.backbone.state_dict().items():
        name = name.replace('stem.0', 'conv1').replace('stem.1', 'bn1')
        for i in '123':
            name = name.replace(f'conv{i}.0.', f'conv{i}.').replace(f'conv{i}.1.', f'bn{i}.')
        name = name.replace('shortcut', 'downsample')
        shape = list(value.shape)
        if name in ('layer2.0.downsample.0.weight', 'layer3.0.downsample.0.weight'):
            shape[2:] = [1, 1]
        state[name] = torch.rand(shape, generator=generator) + 0.1
    state['fc.bias'] = torch.zeros(1000)
    return state
