"""The export command: files that run by what model.json says, and refusals that write nothing."""

import copy
import json

import numpy as np
import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig, NetworkConfig
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.quantisation import input_ranges
from siamx_ros.model.runtime import make_engine
from siamx_ros.model.weights import load_checkpoint, save_checkpoint

onnxruntime = pytest.importorskip('onnxruntime')
onnx = pytest.importorskip('onnx')

from siamx_ros.model import exporting, onnx_graph  # noqa: E402


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """A small network of random weights with ranges, as a file."""
    torch.manual_seed(5)
    network = SiamXNet(NetworkConfig(
        'light', widths=(8, 8, 16, 16), blocks=(1, 1, 1), channels=8, tower_depth=1))
    pair = torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 143, 143) * 255
    with torch.no_grad():
        for _ in range(2):
            network.train()(*pair)
    network.eval()
    ranges = input_ranges(network, [(pair[0][:1], pair[1][:1])])
    path = tmp_path_factory.mktemp('weights') / 'small.pt'
    save_checkpoint(path, network, ranges=ranges, card={'name': 'small', 'data': 'none'})
    return path


def export(*options):
    return main(['export', *map(str, options)])


def run(folder, name, inputs):
    """A file by ONNX Runtime alone: its outputs by name."""
    session = onnxruntime.InferenceSession(folder / name, providers=['CPUExecutionProvider'])
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, inputs)))


def test_the_files_locate_the_target_as_the_engine_does(weights, tmp_path, capsys):
    out = tmp_path / 'onnx'
    assert export('--weights', weights, '--out', out, '--sizes', '159') == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[:2] == ['file', 'output'] and printed[-1] == str(out)
    said = json.loads((out / 'model.json').read_text())
    assert {path.name for path in out.iterdir()} == {*said['files'], 'model.json'}
    rng = np.random.default_rng(0)
    template, patch = (rng.integers(0, 256, (side, side, 3), np.uint8) for side in (127, 159))
    found = run(out, 'template.onnx', {'patch': template[None]})
    assert [*found] == [*said['files']['template.onnx']['outputs']]
    signature = found.pop('signature')
    assert {'patch', *found} == {*said['files']['search_159.onnx']['inputs']}
    answer = run(out, 'search_159.onnx', {'patch': patch[None], **found})
    engine = make_engine(
        load_checkpoint(weights).network, ModelConfig(device='cpu', runtime='torch'))
    encoded = engine.embed(template)
    maps = engine.search(patch, encoded)
    np.testing.assert_allclose(answer['scores'][0, 0], maps.scores, atol=1e-5)
    np.testing.assert_allclose(answer['distances'][0], maps.distances, rtol=1e-3)
    np.testing.assert_allclose(answer['features'][0], engine.describe(maps), atol=1e-3)
    np.testing.assert_allclose(
        signature / np.linalg.norm(signature), encoded.features, atol=1e-5)


def test_what_the_description_says(weights, tmp_path):
    assert export('--weights', weights, '--out', tmp_path, '--int8', '--sizes', '143,127') == 0
    said = json.loads((tmp_path / 'model.json').read_text())
    assert [*said['files']] == ['template.onnx', 'search_127.onnx', 'search_143.onnx']
    assert said['files']['search_143.onnx']['inputs']['patch'] == [1, 143, 143, 3]
    assert said['files']['search_143.onnx']['outputs']['scores'] == [1, 1, 11, 11]
    assert (said['precision'], said['opset'], said['stride']) == ('int8', 17, 8)
    assert said['windows'] == {'kind': 'SquareGeometry'}
    checkpoint = load_checkpoint(weights)
    assert said['weights'] == {
        'file': 'small.pt', 'sha256': checkpoint.sha256, 'licence': 'of the weights: see card',
        'card': {'name': 'small', 'data': 'none'}}
    assert said['network'] == checkpoint.network.config.to_dict()
    compared = said['differences_from_torch']
    assert {(each['file'], each['side']) for each in compared} == {
        ('template.onnx', 127), ('search_127.onnx', 127), ('search_143.onnx', 143)}
    assert all(each['rms' if each['rounded'] else 'largest'] <= each['allowed']
               for each in compared)
    assert max(each['rms'] for each in compared) > 1e-3  # eight bits are not fp32


def test_the_shipped_model(tmp_path):
    """Both precisions, with all that is said about it."""
    for options in ((), ('--int8',)):
        assert export('--out', tmp_path, '--sizes', '207', *options) == 0
        said = json.loads((tmp_path / 'model.json').read_text())
        assert said['weights']['licence'] == 'Apache-2.0' and said['calibration']
        assert (said['precision'] == 'int8') == bool(options)


@pytest.mark.parametrize('options, share', [((), 1.05), (('--int8',), 0.1)])
def test_files_that_answer_otherwise_are_not_written(
        weights, tmp_path, monkeypatch, capsys, options, share):
    """A search that is slightly off; one whose ranges cut off most of what comes in."""
    make = onnx_graph.search_graph

    def off(network, side):
        network = copy.deepcopy(network)
        for name, module in network.named_modules():
            if name == 'head.cls_predictor' and not options:
                module.weight.data *= share
            if hasattr(module, 'step'):
                module.step *= share
        return make(network, side)
    monkeypatch.setattr(exporting, 'search_graph', off)
    assert export('--weights', weights, '--out', tmp_path / 'onnx', *options) == 2
    assert 'differ from those of torch by' in capsys.readouterr().err
    assert not (tmp_path / 'onnx').exists()


def test_what_cannot_be_written_is_named_and_nothing_is_left_of_it(weights, tmp_path, capsys):
    (tmp_path / 'template.onnx').mkdir()
    assert export('--weights', weights, '--out', tmp_path, '--sizes', '143') == 2
    said = capsys.readouterr().err
    assert said == f'error: cannot use {tmp_path / "template.onnx"}: Is a directory\n'
    assert [path.name for path in tmp_path.iterdir()] == ['template.onnx']


@pytest.mark.parametrize('options, sentence', [
    (('--sizes', '200'), 'must leave 15 when divided by 16'),
    (('--sizes', 'any'), 'must be whole numbers'),
    (('--weights', 'random', '--int8'), 'needs weights with measured ranges'),
    (('--weights', 'nothing'), "no weights named 'nothing'")])
def test_options_that_are_refused(tmp_path, capsys, options, sentence):
    assert export('--out', tmp_path / 'onnx', *options) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / 'onnx').exists()


def test_without_the_packages(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('siamx_ros.model.onnx_graph.find_spec', lambda name: None)
    assert export('--out', tmp_path / 'onnx', '--weights', 'random') == 2
    assert 'export needs the package onnx and onnxruntime' in capsys.readouterr().err
