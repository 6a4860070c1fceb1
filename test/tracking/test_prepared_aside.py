"""What is compiled in another thread: for the first target, and what several of them need."""

from concurrent.futures import ThreadPoolExecutor
import threading
import time

import numpy as np
import pytest
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.model import openvino_graph
from siamx_ros.model.openvino_requests import Requests
from siamx_ros.synthetic import sequence
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.multi_tracker import MultiTracker
from siamx_ros.tracking.tracker import Tracker

PATIENCE_S = 60.0
CENTRES = [np.stack([x, np.full(8, y)], 1) for x, y in (
    (np.linspace(70, 90, 8), 60.0), (np.linspace(230, 210, 8), 160.0))]
CLIP = sequence(centres=CENTRES[0], twin_centres=CENTRES[1], target_size=(48, 36))
BOXES = [BoundingBox.from_centre(*centres[0], 48, 36) for centres in CENTRES]


@pytest.fixture
def tracker():
    """One whose searches are compiled."""
    if not openvino_graph.is_installed():
        pytest.skip('openvino is not installed')
    return load_tracker(ModelConfig(device='cpu', runtime='openvino', precision='fp32'))


def test_a_first_target_is_compiled_in_two_threads_and_a_second_one_in_none(tracker, monkeypatch):
    threads = {}

    def compiled(shape, *args, make=tracker.engine._compile):
        assert shape not in threads, 'each size is compiled once'
        threads[shape] = threading.current_thread()
        return make(shape, *args)
    monkeypatch.setattr(tracker.engine, '_compile', compiled)
    tracker.init(CLIP.image(0), BOXES[0])
    here = {side for (_, side, *_), thread in threads.items()
            if thread is threading.main_thread()}
    assert here == {255} and {side for _, side, *_ in threads} == {207, 255, 511}
    tracker.another().init(CLIP.image(0), BOXES[1])
    assert len(threads) == 3
    assert tracker.update(CLIP.image(1)).box.iou(BOXES[0]) > 0.5


def test_a_size_that_a_setting_needs_is_compiled_while_tracking_goes_on(tracker, monkeypatch):
    tracker.init(CLIP.image(0), BOXES[0])
    gate, threads = threading.Event(), []

    def compiled(*args, make=tracker.engine._compile):
        threads.append(threading.current_thread())
        assert gate.wait(PATIENCE_S)
        return make(*args)
    monkeypatch.setattr(tracker.engine, '_compile', compiled)
    tracker.configure(tracker.config.replace({'search_growth': 1.5}))
    assert all(tracker.update(CLIP.image(index)).valid for index in (1, 2, 3))
    gate.set()
    tracker.lose()
    tracker.update(CLIP.image(4))
    assert threads and threading.main_thread() not in threads


def test_a_search_that_could_not_be_compiled_aside_says_so_where_it_is_needed(tracker, monkeypatch):
    template = tracker.engine.embed(np.zeros((127, 127, 3), np.uint8))
    patch = np.zeros((207, 207, 3), np.uint8)
    with monkeypatch.context() as broken:
        broken.setattr(tracker.engine, '_compile', lambda *_: 1 / 0)
        tracker.engine.prepare([207], template)
        with pytest.raises(ZeroDivisionError):
            tracker.engine.search(patch, template)
    assert tracker.engine.search(patch, template).scores.shape, 'tried anew'


@pytest.fixture
def group_of_two(tracker, monkeypatch):
    """A group whose second target was just added, the gate of what is compiled, in whose threads it
    was, and in whose a request was made."""
    gate, threads = threading.Event(), []
    begun = []
    another = openvino_graph.another

    def noted(request):
        begun.append(threading.current_thread())
        return another(request)
    monkeypatch.setattr(openvino_graph, 'another', noted)
    for name in ('_side_by_side', '_checks_side_by_side'):
        def compiled(*args, make=getattr(tracker.engine, name)):
            threads.append(threading.current_thread())
            assert gate.wait(PATIENCE_S)
            return make(*args)
        monkeypatch.setattr(tracker.engine, name, compiled)
    group = MultiTracker.around(tracker, wait=False)
    for box in BOXES:
        group.add(CLIP.image(0), box)
    yield group, gate, threads, begun
    gate.set()


def test_images_go_on_while_another_thread_compiles(group_of_two):
    """And runs it once on each stream: the first run makes the graph of a stream."""
    group, gate, threads, begun = group_of_two
    before = [group.update(CLIP.image(index)) for index in (1, 2, 3)]
    assert not gate.is_set() and len(threads) == 1 and threads[0] is not threading.main_thread()
    gate.set()
    pending = group.engine._requests, group.engine._checks
    deadline = time.monotonic() + PATIENCE_S
    while any(each.are_pending for each in pending) and time.monotonic() < deadline:
        time.sleep(0.01)
    compiled = len(threads)
    assert len(begun) == compiled * torch.get_num_threads()
    assert threading.main_thread() not in begun
    after = [group.update(CLIP.image(index)) for index in (4, 5, 6)]
    assert compiled > 2 and len(threads) == compiled, 'what was compiled is used'
    assert threading.main_thread() not in threads
    waiting = MultiTracker(group.engine, wait=True)
    for box in BOXES:
        waiting.add(CLIP.image(0), box)
    for index, answers in enumerate(before + after, 1):
        for number, result in waiting.update(CLIP.image(index)).items():
            assert result.box.iou(answers[number].box) > 0.99


@pytest.mark.parametrize('prepares, wait, searched', [
    (True, False, False), (True, True, True), (False, False, True)])
def test_a_group_that_waits_or_must_searches_at_once(engine, scene, prepares, wait, searched,
                                                     monkeypatch):
    monkeypatch.setattr(engine, 'prepare_many', lambda *what: prepares, raising=False)
    group, second = MultiTracker(engine, wait=wait), Tracker(engine)
    group.add(scene((100, 100)), (80, 80, 40, 40))
    second.init(scene((300, 200)), (280, 180, 40, 40))
    before = len(engine.searched)
    group.join(second)
    assert (len(engine.searched) > before) == searched


def test_what_failed_in_the_other_thread_is_raised_where_it_is_needed():
    requests = Requests()
    with ThreadPoolExecutor(1) as thread:
        requests.prepare((1, 9, 9, 3), {}, lambda *_: 1 / 0, thread)
    assert not requests.are_pending
    with pytest.raises(ZeroDivisionError):
        requests.one_for((1, 9, 9, 3), object(), {}, None, None)
