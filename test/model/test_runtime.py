"""Which runtime is chosen, and that each answers as torch does."""

from importlib.util import find_spec

from command_line import python
from graph_recording import run_again
import numpy as np
from patches import patches
import pytest
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.model import compiled_engine, onnx_graph, openvino_graph
from siamx_ros.model.cuda_graph_engine import CudaGraphEngine
from siamx_ros.model.runtime import make_engine

needs_openvino = pytest.mark.skipif(
    not openvino_graph.is_installed(), reason='openvino is not installed')
needs_onnx = pytest.mark.skipif(
    not (find_spec('onnx') and find_spec('onnxruntime')), reason='onnxruntime is not installed')
COMPILED = (pytest.param('openvino', marks=needs_openvino),
            pytest.param('onnxruntime', marks=needs_onnx), 'graphs')
each_compiled = pytest.mark.parametrize('name', COMPILED)


def made(network, name: str):
    """An engine by its name; 'graphs' stands for CUDA graphs, whose recording runs again here."""
    if name == 'graphs':
        return CudaGraphEngine(network, 'cpu', 'fp32', run_again)
    return make_engine(network, ModelConfig(device='cpu', runtime=name, precision='fp32'))


@pytest.mark.parametrize('name, precision, close, side', [
    *(pytest.param('openvino', 'fp32', 1e-4, side, marks=needs_openvino)
      for side in (127, 207, 255, 271)),
    pytest.param('openvino', 'bf16', 0.05, 255, marks=needs_openvino),
    pytest.param('onnxruntime', 'fp32', 1e-4, 255, marks=needs_onnx)])
def test_each_answers_as_torch(network, name, precision, close, side):
    template, search = patches(127, side)
    plain = make_engine(network, ModelConfig(device='cpu', runtime='torch'))
    fast = make_engine(network, ModelConfig(device='cpu', runtime=name, precision=precision))
    ours, theirs = (engine.search(search, engine.embed(template)) for engine in (fast, plain))
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=close)
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=10 * close)
    spread = plain.describe(theirs).std()
    np.testing.assert_allclose(
        fast.describe(ours), plain.describe(theirs), atol=20 * close * spread)


@pytest.mark.parametrize('name', ('torch', *COMPILED))
def test_an_encoded_patch_is_searched_as_the_patch_itself(network, name, monkeypatch):
    """For several targets by turns, by one search that is compiled once, not by torch."""
    template, search = patches(127, 207)
    engine, others = made(network, name), (search, 255 - search)
    encoded = [engine.encode_search(patch) for patch in others]
    for which, target in ((0, template), (1, template), (1, 255 - template), (0, template)):
        wanted = engine.search(others[which], engine.embed(target)).scores
        np.testing.assert_allclose(engine.scores_of(target, encoded[which]), wanted, atol=1e-4)
        if name != 'torch':
            monkeypatch.setattr(type(engine), '_compile_scores', None)
            assert len(engine._backward.held) == 1


@pytest.mark.parametrize('name', ('torch', *COMPILED))
def test_what_is_to_be_done_meanwhile_is_done_once(network, name):
    template, search = patches(127, 127)
    engine, done = made(network, name), []
    engine.search(search, engine.embed(template), lambda: done.append(1))
    assert done == [1]


@each_compiled
def test_answers_stay_when_the_next_window_is_searched(network, name):
    template, search = patches(127, 255)
    engine = made(network, name)
    encoded = engine.embed(template)
    first = engine.search(search, encoded)
    scores, features = first.scores.copy(), engine.describe(first).copy()
    engine.search(255 - search, encoded)
    np.testing.assert_array_equal(first.scores, scores)
    np.testing.assert_array_equal(engine.describe(first), features)


@each_compiled
def test_each_search_is_for_its_own_template(network, name):
    """Kernels stay in the compiled search, one set for each size of patch."""
    template, search = patches(127, 255)
    larger = np.pad(search, ((0, 16), (0, 16), (0, 0)), mode='wrap')
    plain, fast = made(network, 'torch'), made(network, name)
    targets = [[engine.embed(patch) for patch in (template, 255 - template)]
               for engine in (plain, fast)]
    for which, patch in ((0, search), (1, search), (1, larger), (0, larger), (0, search)):
        theirs, ours = (engine.search(patch, target[which])
                        for engine, target in zip((plain, fast), targets))
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-4)
        np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-3)
        assert fast.similarity(ours, (3, 4), targets[1][which]) == pytest.approx(
            plain.similarity(theirs, (3, 4), targets[0][which]), abs=1e-3)


@needs_openvino
def test_sizes_of_long_ago_are_forgotten_and_compiled_again(network, monkeypatch):
    monkeypatch.setattr(compiled_engine, 'KEPT_SIZES', 2)
    [template] = patches(127)
    engine = make_engine(network, ModelConfig(device='cpu', runtime='openvino'))
    target = engine.embed(template)
    for side in (255, 271, 255, 287, 255, 271):
        maps = engine.search(np.zeros((side, side, 3), np.uint8), target)
        assert maps.scores.shape[0] == (side - 127) // 8 + 9
    assert [shape[1] for shape in engine._searches.held] == [255, 271]


@pytest.mark.parametrize('precision, missing, wanted', [
    pytest.param('auto', [], 'onnxruntime', marks=needs_onnx),
    pytest.param('fp32', [], 'onnxruntime', marks=needs_onnx), ('bf16', [], 'torch'),
    ('fp16', [], 'torch'), ('auto', ['onnx'], 'torch')])
def test_auto_without_openvino(network, monkeypatch, precision, missing, wanted):
    monkeypatch.setattr(openvino_graph, 'is_installed', lambda: False)
    monkeypatch.setattr(onnx_graph, 'missing_packages', lambda: missing)
    model = ModelConfig(device='cpu', precision=precision)
    assert make_engine(network, model).runtime == wanted


def test_openvino_is_asked_for_where_it_is_not(network, monkeypatch):
    model = ModelConfig(device='cpu')
    monkeypatch.setattr(openvino_graph, 'is_installed', lambda: False)
    with pytest.raises(InputError, match='needs the package openvino'):
        make_engine(network, model.replace({'runtime': 'openvino'}))


@needs_openvino
def test_auto_on_a_cpu(network):
    assert make_engine(network, ModelConfig(device='cpu')).runtime == 'openvino'
    half = ModelConfig(device='cpu', precision='fp16')
    assert make_engine(network, half).runtime == 'torch'
    with pytest.raises(InputError, match='fp16'):
        make_engine(network, half.replace({'runtime': 'openvino'}))


@needs_openvino
def test_torch_has_one_thread_while_an_image_is_worked_on(network):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        fast = make_engine(network, ModelConfig(device='cpu', runtime='openvino'))
        with pytest.raises(ZeroDivisionError), fast.image_context():
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert torch.get_num_threads() == 3
        with make_engine(network, ModelConfig(device='cpu', runtime='torch')).image_context():
            assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


SIGNALLED = """
import gc, signal
import numpy as np
from siamx_ros.config import ModelConfig, NetworkConfig
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.runtime import make_engine

engine = make_engine(SiamXNet(NetworkConfig.light()).eval(),
                     ModelConfig(device='cpu', runtime='openvino'))
engine.search(np.zeros((255, 255, 3), np.uint8), engine.embed(
    np.zeros((127, 127, 3), np.uint8)))
del engine
gc.collect()
signal.signal(signal.SIGUSR1, lambda *_: print('handled'))
signal.raise_signal(signal.SIGUSR1)
"""


@needs_openvino
def test_a_signal_after_an_engine_is_gone():
    child = python('-c', SIGNALLED)
    assert child.returncode == 0, (child.returncode, child.stderr)
    assert child.stdout == 'handled\n'


@pytest.mark.parametrize('name', ['torch', *COMPILED[:2]])
def test_several_searches_answer_as_one_by_one(network, name):
    """In their order, for their own templates, whatever size their patches are of."""
    engine = made(network, name)
    templates = [engine.embed(patch) for patch in patches(127, 127, 127)]
    searches = [(patch, templates[which])
                for patch, which in zip(patches(207, 255, 207, 207, seed=8), (0, 1, 2, 1))]
    for again in range(2):
        answers = list(engine.search_many(iter(searches)))
        for maps, (patch, template) in zip(answers, searches, strict=True):
            alone = engine.search(patch, template)
            np.testing.assert_allclose(maps.scores, alone.scores, atol=1e-5)
            np.testing.assert_allclose(maps.distances, alone.distances, rtol=1e-4)
            expected = engine.describe(alone)
            np.testing.assert_allclose(
                engine.describe(maps), expected, atol=1e-4 * np.abs(expected).max())
        searches.reverse()


@pytest.mark.parametrize('name', ['torch', *COMPILED[:2]])
def test_several_encoded_patches_are_searched_as_one_by_one(network, name, monkeypatch):
    engine = made(network, name)
    encoded = [engine.encode_search(patch) for patch in patches(207, 207, 255)]
    searches = list(zip(patches(127, 127, 127, seed=8), encoded))
    for again in range(2):
        answers = list(engine.scores_of_many(searches))
        for scores, search in zip(answers, searches, strict=True):
            np.testing.assert_allclose(scores, engine.scores_of(*search), atol=1e-5)
        searches.reverse()
        monkeypatch.setattr(type(engine), '_compile_scores', None, raising=False)


def test_a_batch_answers_as_its_patches_one_by_one(network):
    engine = made(network, 'torch')
    templates = [engine.embed(patch) for patch in patches(127, 127, 127)]
    shown = patches(207, 207, 207, seed=8)
    for maps, patch, template in zip(
            engine.search_batch(shown, templates), shown, templates, strict=True):
        alone = engine.search(patch, template)
        np.testing.assert_allclose(maps.scores, alone.scores, atol=1e-5)
        np.testing.assert_allclose(maps.distances, alone.distances, rtol=1e-4)
        np.testing.assert_allclose(engine.describe(maps), engine.describe(alone), atol=1e-4)
