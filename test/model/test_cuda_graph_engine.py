"""CUDA graphs: what is handed over, kept and packed, on a CPU with a recording that runs again."""

import warnings

from graph_recording import run_again
import numpy as np
from patches import patches
import pytest
import torch

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.model.cuda_graph_engine import CudaGraphEngine, RecordedSearch
from siamx_ros.model.device_crop import DeviceCrop
from siamx_ros.model.inference import Engine
from siamx_ros.model.runtime import make_engine
from siamx_ros.patch_geometry import Region
from siamx_ros.synthetic import sequence
from siamx_ros.tracking.multi_tracker import MultiTracker


def test_a_batch_answers_as_one_by_one_and_one_graph_serves_all_numbers(network):
    sides = 207, 207, 207
    engine = CudaGraphEngine(network, 'cpu', 'fp32', run_again)
    targets = [engine.embed(patch) for patch in patches(127, 127, 127)]
    plain = Engine(network, 'cpu', 'fp32')
    for places in ((0, 1, 2), (1, 2), (2, 0), (1,)):
        shown = [patches(*sides)[place] for place in places]
        answers = engine.search_batch(shown, [targets[place] for place in places], 3)
        for maps, patch, place in zip(answers, shown, places, strict=True):
            alone = plain.search(patch, targets[place])
            np.testing.assert_allclose(maps.scores, alone.scores, atol=1e-5)
            expected = plain.describe(alone)
            np.testing.assert_allclose(
                engine.describe(maps), expected, atol=1e-4 * np.abs(expected).max())
            cells = engine.describe(maps).transpose(1, 2, 0)
            assert cells.flags.c_contiguous, 'as the classifier takes them, without turning'
    assert list(engine._searches.held) == [(3, 207, 207, 3)]


def test_inputs_and_answer_stay_where_they_are():
    """What a graph has recorded are addresses: of the pixels, the kernels and the answer."""
    seen, crop = [], DeviceCrop(1, 4, torch.device('cpu'))

    def search(patch, kernels):
        seen.append((crop.buffer.data_ptr(), kernels['k'].data_ptr()))
        return patch.sum() * kernels['k'].sum().reshape(1), patch[0, 0].half()
    given = torch.ones(2, 3)
    recorded = RecordedSearch(search, crop, {'k': given}, run_again)
    for value in (2, 3):
        given = torch.full((2, 3), float(value))
        recorded.give({'k': given})
        total, row = recorded.run([np.full((4, 4, 3), value, np.uint8)])
        assert total.item() == 48 * value * 6 * value and total.shape == (1,)
        assert row.dtype == np.float32 and row.shape == (4, 3) and (row == value).all()
    assert len(seen) == 3 and len(set(seen)) == 1
    assert seen[0][1] != given.data_ptr()


def test_the_cpu_works_after_the_launch():
    done = []

    def record(step):
        replay, answer = run_again(step)
        return lambda: (replay(), done.append('launch')), answer
    crop = DeviceCrop(1, 4, torch.device('cpu'))
    recorded = RecordedSearch(lambda patch, kernels: [patch], crop, {}, record)
    recorded.run([np.ones((4, 4, 3), np.uint8)], lambda: done.append('meanwhile'))
    assert done == ['launch', 'meanwhile']


@pytest.mark.parametrize('crop, kind', [('exact', Region), ('authors', np.ndarray)])
def test_targets_are_followed_as_with_patches_that_the_cpu_cuts(network, monkeypatch, crop, kind):
    """One and two of them; but for the authors' crop, the device makes every search patch."""
    given, tracks = [], []
    for name in ('search', 'search_batch'):
        def noted(self, patches, *args, method=getattr(CudaGraphEngine, name)):
            given.extend(patches if isinstance(patches, (list, tuple)) else [patches])
            return method(self, patches, *args)
        monkeypatch.setattr(CudaGraphEngine, name, noted)
    monkeypatch.setattr(CudaGraphEngine, 'search_many', lambda self, searches: self._in_batches(
        list(searches)))
    clip = sequence(frames=4, image_size=(160, 120), target_size=(24, 20))
    for engine in (CudaGraphEngine(network, 'cpu', 'fp32', run_again), Engine(network, 'cpu')):
        group = MultiTracker(engine, TrackerConfig(crop=crop, steady_size=127))
        group.add(clip.image(0), clip.first_box)
        boxes = [*group.update(clip.image(1)).values()]
        group.add(clip.image(1), (90, 70, 30, 20))
        tracks.append(boxes + [*group.update(clip.image(2)).values()])
    assert {kind} == {type(patch) for patch in given if np.any(getattr(patch, 'pixels', patch))}
    for ours, theirs in zip(*tracks, strict=True):
        assert ours.box.iou(theirs.box) > 0.98
        assert ours.raw_score == pytest.approx(theirs.raw_score, abs=0.01)


def test_what_it_is_not_for(network, monkeypatch):
    graphs = ModelConfig(runtime='cuda_graphs')
    with pytest.raises(InputError, match="'cuda_graphs' is for a GPU, model.device is cpu"):
        make_engine(network, graphs.replace({'device': 'cpu'}))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(InputError, match='is for a GPU, model.device is cpu'):
        make_engine(network, graphs)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    with pytest.raises(InputError, match='int8.* needs tensorrt'):
        make_engine(network, graphs.replace({'device': 'cuda', 'precision': 'int8'}))


@pytest.mark.gpu
def test_a_search_waits_once(network):
    template, *searches = patches(127, 207, 207, 207)
    graphs = make_engine(network, ModelConfig(device='cuda', runtime='cuda_graphs'))
    target = graphs.embed(template)
    graphs.search(searches[0], target)
    torch.cuda.set_sync_debug_mode('warn')
    try:
        with warnings.catch_warnings(record=True) as waits:
            warnings.simplefilter('always')
            for patch in searches[1:]:
                graphs.search(patch, target)
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert len(waits) <= len(searches[1:]), [str(wait.message) for wait in waits]


@pytest.mark.gpu
@pytest.mark.parametrize('precision, close', [('fp32', 5e-3), ('fp16', 0.05)])
def test_a_graph_answers_as_the_cpu(network, precision, close):
    """TF32 on one side: half of the digits of fp32."""
    template, search, other = patches(127, 207, 207)
    plain = Engine(network, 'cpu', 'fp32')
    graphs = make_engine(network, ModelConfig(
        device='cuda', runtime='cuda_graphs', precision=precision))
    for patch in (search, other, search):
        ours, theirs = (engine.search(patch, engine.embed(template)) for engine in (graphs, plain))
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=close)
        expected = plain.describe(theirs)
        np.testing.assert_allclose(
            graphs.describe(ours), expected, atol=20 * close * expected.std())
        ours, theirs = (engine.scores_of(template, engine.encode_search(patch))
                        for engine in (graphs, plain))
        np.testing.assert_allclose(ours, theirs, atol=close)
