"""ONNX Runtime in the tracker: what it runs on, what is missing, eight bits, a whole track."""

import logging

import numpy as np
from patches import as_tensor, patches
import pytest

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.model.quantisation import input_ranges
from siamx_ros.model.runtime import make_engine
from siamx_ros.synthetic import sequence
from siamx_ros.tracking.from_weights import load_tracker

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnx')

from siamx_ros.model import onnx_session  # noqa: E402

ONNX = ModelConfig(device='cpu', runtime='onnxruntime')


def offer(monkeypatch, *names: str) -> None:
    """Have ONNX Runtime say that it was built with these providers."""
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [*names])


def test_a_target_is_followed_as_with_torch():
    clip = sequence(frames=6, image_size=(160, 120), target_size=(24, 20))
    config = TrackerConfig(steady_size=127)
    tracks = []
    for runtime in ('torch', 'onnxruntime'):
        tracker = load_tracker(ModelConfig('random', 'cpu', runtime), config)
        tracker.init(clip.image(0), clip.first_box)
        tracks.append([tracker.update(clip.image(index)) for index in range(1, 6)])
        assert tracker.engine.runtime == runtime and tracker.engine.precision == 'fp32'
    for ours, theirs in zip(*tracks):
        assert ours.box.iou(theirs.box) > 0.999
        assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-3)


def test_int8_is_near_to_fp32_and_not_the_same(network):
    template, search = patches(127, 207)
    ranges = input_ranges(network, [(as_tensor(template), as_tensor(search))])
    exact, rounded = (make_engine(network, ONNX.replace({'precision': precision}), ranges)
                      for precision in ('fp32', 'int8'))
    for answer in (lambda engine: engine.describe(engine.search(search, engine.embed(template))),
                   lambda engine: engine.scores_of(template, exact.encode_search(search))):
        plain, near = map(answer, (exact, rounded))
        assert 1e-4 < np.abs(near - plain).mean() / plain.std() < 0.2
    with pytest.raises(InputError, match='needs weights with measured ranges'):
        make_engine(network, ONNX.replace({'precision': 'int8'}))


@pytest.mark.parametrize('runtime, device, sentence', [
    ('onnxruntime', 'cuda', 'has no CUDAExecutionProvider, it offers CPUExecutionProvider: inst'),
    ('tensorrt', 'auto', 'has no TensorrtExecutionProvider'),
    ('tensorrt', 'cpu', 'is for a GPU, model.device is cpu'),
    ('onnxruntime', 'gpu', "unknown device 'gpu'")])
def test_what_is_missing_is_said(network, monkeypatch, runtime, device, sentence):
    offer(monkeypatch, 'CPUExecutionProvider')
    with pytest.raises(InputError, match=sentence):
        make_engine(network, ModelConfig(device=device, runtime=runtime))


@pytest.mark.filterwarnings('ignore:Specified provider')
def test_a_provider_that_does_not_start(network, monkeypatch, caplog):
    """As without its libraries: it is offered, and the session does without it."""
    offer(monkeypatch, 'CUDAExecutionProvider', 'CPUExecutionProvider')
    with pytest.raises(InputError, match='offers CUDAExecutionProvider but cannot start it'):
        make_engine(network, ONNX.replace({'device': 'cuda:0'}))
    with caplog.at_level(logging.WARNING):
        assert make_engine(network, ONNX.replace({'device': 'auto'})).runtime == 'onnxruntime'
    assert 'the CPU runs the network: onnxruntime offers CUDA' in caplog.text


def test_packages_that_are_missing(network, monkeypatch):
    monkeypatch.setattr('siamx_ros.model.onnx_graph.find_spec', lambda name: None)
    with pytest.raises(InputError, match="'onnxruntime' needs the package onnx and onnxruntime"):
        make_engine(network, ONNX)


@pytest.mark.parametrize('precision', ['fp16', 'bf16'])
def test_precisions_that_it_does_not_take(network, precision):
    with pytest.raises(InputError, match=f'{precision}.* is not for onnxruntime, which takes fp32'):
        make_engine(network, ONNX.replace({'precision': precision}))


def test_what_is_asked_of_tensorrt(tmp_path, monkeypatch):
    """Half precision by default; built engines are kept by what the graph holds."""
    monkeypatch.setattr(onnx_session, 'ENGINE_CACHE', tmp_path)
    provider = onnx_session.TENSORRT
    assert provider.precisions[0] == 'fp16'
    folders = set()
    for graph, precision, half, eight in (
            (b'a', 'fp16', True, False), (b'b', 'int8', True, True), (b'a', 'fp32', False, False)):
        [(name, options), (fallback, _)] = provider.chosen(graph, precision)
        assert (name, fallback) == ('TensorrtExecutionProvider', 'CUDAExecutionProvider')
        assert (options['trt_fp16_enable'], options['trt_int8_enable']) == (half, eight)
        assert options['trt_engine_cache_path'] and options['trt_engine_cache_enable']
        folders.add(options['trt_engine_cache_path'])
    assert len(folders) == 3


@pytest.mark.gpu
@pytest.mark.parametrize('runtime, precision, close', [
    ('onnxruntime', 'fp32', 5e-3), ('tensorrt', 'fp32', 5e-3), ('tensorrt', 'fp16', 0.05)])
def test_a_gpu_answers_as_the_cpu(network, runtime, precision, close):
    """TF32 on one side: half of the digits of fp32."""
    name = {'onnxruntime': 'CUDA', 'tensorrt': 'Tensorrt'}[runtime] + 'ExecutionProvider'
    if name not in onnxruntime.get_available_providers():
        pytest.skip(f'onnxruntime has no {name}')
    template, search = patches(127, 207)
    plain = make_engine(network, ModelConfig(device='cpu', runtime='torch'))
    fast = make_engine(network, ModelConfig(device='cuda', runtime=runtime, precision=precision))
    ours, theirs = (engine.search(search, engine.embed(template)) for engine in (fast, plain))
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=close)
    spread = plain.describe(theirs).std()
    np.testing.assert_allclose(
        fast.describe(ours), plain.describe(theirs), atol=20 * close * spread)
    ours, theirs = (engine.scores_of(template, engine.encode_search(search))
                    for engine in (fast, plain))
    np.testing.assert_allclose(ours, theirs, atol=close)
