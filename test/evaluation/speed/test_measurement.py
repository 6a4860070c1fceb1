"""Ceilings, stretches, starts and spreads."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from siamx_ros.config import ModelConfig, NetworkConfig
from siamx_ros.errors import InputError
from siamx_ros.evaluation.speed import ceilings, startup
from siamx_ros.evaluation.speed.beside import AdapterSpec, read_specs
from siamx_ros.evaluation.speed.spread import Spread
from siamx_ros.evaluation.speed.stretches import (
    Stretch, from_sequences, generated, side_by_side)
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.data.sequence import Sequence
from siamx_ros.geometry import TEMPLATE_SIZE, BoundingBox
from siamx_ros.model import openvino_graph
from siamx_ros.model.inference import Engine
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.runtime import make_engine
from siamx_ros.model.weights import load_checkpoint


def test_median_and_spread():
    spread = Spread.of(list(range(101)))
    assert spread == Spread(50.0, 25.0, 75.0, 95.0, 50.0, 101) and spread.per_second == 20.0


def test_generated_stretches_differ_and_have_their_targets_inside():
    stretches = generated((160, 120), 7)
    assert len({stretch.name for stretch in stretches}) == len(stretches) == 4
    for stretch in stretches:
        assert len(stretch.images) == 7 and stretch.images[0].shape == (120, 160, 3)
        assert stretch.box.visible_share(160, 120) == 1
        assert (stretch.images[0] != stretch.images[6]).any()


def test_images_and_box_are_brought_to_one_size(tmp_path):
    import cv2
    for index in range(4):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.full((50, 100, 3), 10 * index, np.uint8))
    boxes = np.array([[np.nan] * 4, [10, 20, 30, 20], [0, 0, 5, 5], [0, 0, 5, 5.0]])
    sequence = Sequence('s', tuple(sorted(tmp_path.glob('*.png'))), boxes)
    (stretch,) = from_sequences([sequence], (200, 200), 3)
    assert [image[0, 0, 0] for image in stretch.images] == [10, 20, 30], 'from the first box on'
    assert stretch.images[0].shape == (200, 200, 3) and stretch.box.xywh == (20, 80, 60, 80)


@pytest.mark.parametrize('count', [2, 4, 8])
def test_several_stretches_lie_side_by_side(count):
    """Each box shows its own stretch, a frame of which has a grey level of its own."""
    box = BoundingBox(300, 200, 50, 90)
    stretches = [Stretch(str(number), tuple(
        np.full((480, 640, 3), 20 * number + frame + 1, np.uint8) for frame in range(2)), box)
                 for number in range(count)]
    images, boxes = side_by_side(stretches)
    across = 2 if count < 8 else 3
    assert len(boxes) == count and images[0].shape == (480, 640, 3)
    for number, each in enumerate(boxes):
        assert (each.w, each.h) == pytest.approx((50 / across, 90 / across), rel=0.01)
        x, y = map(int, each.centre)
        assert [image[y, x, 0] for image in images] == [20 * number + 1, 20 * number + 2]


@pytest.fixture(scope='module')
def engine():
    model = ModelConfig(device='cpu', runtime='torch')
    return make_engine(load_checkpoint('default').network, model)


def test_multiplications_are_those_of_every_convolution_and_correlation():
    """Counted by hooks on the modules; the correlations, which are none, by their shapes."""
    engine = Engine(SiamXNet(NetworkConfig.light()), 'cpu')
    template = engine.embed(np.zeros((TEMPLATE_SIZE, TEMPLATE_SIZE, 3), np.uint8))
    total = []

    def count(module, inputs, output):
        total.append(module.weight[0].numel() * output[0].numel())

    hooks = [module.register_forward_hook(count) for module in engine.network.modules()
             if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        levels = engine.network.levels(torch.zeros(1, 3, 207, 207))
        fused = engine.network.correlation(levels, template.kernels)
        engine.network.head(*fused)
    for hook in hooks:
        hook.remove()
    cells = fused[0].shape[-1] ** 2
    correlations = sum(kernel.numel() * cells for kernel in template.kernels.values())
    assert ceilings.count_macs(engine, template, 207) == sum(total) + correlations


@pytest.mark.parametrize('precision', ['fp32', 'bf16', 'int8'])
def test_the_products_of_a_ceiling_are_products(precision):
    if not openvino_graph.is_installed():
        pytest.skip('openvino is not installed')
    request = openvino_graph.matrix_products(16, 2, precision, 1)
    values = np.random.default_rng(3).uniform(0, 1, (16, 16)).astype(np.float32)
    random = np.random.default_rng(0)
    wanted = values
    for _ in range(2):
        wanted = wanted @ random.uniform(0, 2 / 16, (16, 16)).astype(np.float32)
    (answer,) = request.infer({0: values}).values()
    np.testing.assert_allclose(
        answer, wanted, atol={'fp32': 1e-5, 'bf16': 0.02, 'int8': 0.03}[precision])


def test_a_ceiling_is_the_best_that_was_seen(monkeypatch):
    moments = iter([0.0, 0.1, 0.5, 0.6, 0.8, 0.9, 1.5])
    monkeypatch.setattr(ceilings.time, 'perf_counter', lambda: next(moments, 9.0))
    assert ceilings._best(lambda: None, torch.device('cpu')) == pytest.approx(0.2)


def test_the_fastest_matrices_are_the_ceiling(engine, monkeypatch):
    monkeypatch.setattr(ceilings, 'COPIED_BYTES', 2 ** 16)
    monkeypatch.setattr(ceilings, '_products', lambda *_: ('fp32', {100: 'slow', 200: 'fast'}))
    monkeypatch.setattr(ceilings, '_best', lambda call, _: {'slow': 0.001, 'fast': 0.004}.get(
        call, 1.0))
    assert ceilings.measure_ceilings(engine, 1).gflops == pytest.approx(
        2 * ceilings.PRODUCTS * 200 ** 3 / 0.004 / 1e9)


def test_ceilings_are_those_of_the_engines_precision(engine, monkeypatch):
    monkeypatch.setattr(ceilings, 'SECONDS', 0.01)
    monkeypatch.setattr(ceilings, 'COPIED_BYTES', 2 ** 16)
    found = ceilings.measure_ceilings(engine, 1)
    assert found.precision == 'fp32' and found.gflops > 0 and found.copy_gb_per_s > 0
    monkeypatch.setattr(openvino_graph, 'is_installed', lambda: False)
    assert ceilings.measure_ceilings(engine, 1).precision == 'fp32'


@pytest.fixture
def write(tmp_path):
    def adapter(text):
        path = tmp_path / 'other.py'
        path.write_text(text)
        return AdapterSpec(path)
    return adapter


def test_trackers_are_read_from_what_was_given():
    assert read_specs(['csrt', 'a/b.py', 'a/b.py:v2']) == (
        TrackerSpec('csrt', 'csrt'), AdapterSpec(Path('a/b.py')), AdapterSpec(Path('a/b.py'), 'v2'))
    assert [spec.name for spec in read_specs(['kcf', 'a/b.py:v2'])] == ['kcf', 'b:v2']


@pytest.mark.parametrize('text, sentence', [
    ('', 'has no function make'), ('make = 3', 'has no function make')])
def test_files_that_adapt_nothing_are_refused(write, text, sentence):
    with pytest.raises(InputError, match=sentence):
        write(text).build()


ADAPTER = '''
import numpy as np

class Other:
    def init(self, image, box):
        self.kept = np.ones(%s)
    def update(self, image):
        %s

make = Other
'''


def test_a_start_reports_time_and_memory(write):
    stretch = generated((64, 48), 3)[0]
    small = startup.start(write(ADAPTER % ('1', 'pass')), stretch)
    large = startup.start(write(ADAPTER % ('25_000_000', 'pass')), stretch)
    assert 0 < small.loaded <= small.ready
    assert large.peak_mb - small.peak_mb == pytest.approx(200, abs=40)


@pytest.mark.parametrize('code, sentence', [
    ('raise ValueError("broken")', 'other could not be started: ValueError: broken'),
    ('import os; os._exit(3)', 'other could not be started: its process ended')])
def test_a_start_that_fails_is_reported(write, code, sentence):
    with pytest.raises(InputError, match=sentence):
        startup.start(write(ADAPTER % ('1', code)), generated((64, 48), 3)[0])


def test_a_start_that_hangs_is_ended(write, monkeypatch):
    monkeypatch.setattr(startup, 'PATIENCE_S', 0.5)
    with pytest.raises(InputError, match='it took too long'):
        startup.start(write(ADAPTER % ('1', 'import time; time.sleep(900)')),
                      generated((64, 48), 3)[0])
