"""What is learnt on the first image and while tracking."""

from collections import Counter

import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.online import TURNS, BoxCorrection, OnlineModel, View
from siamx_ros.tracking.ridge import RidgeFilter
from siamx_ros.tracking.tracker import Tracker

OFF = {'online_weight': 0.0, 'box_correction': 0.0}
TRUE = BoundingBox.from_centre(100, 80, 40, 60)


def at(x, y, w, h):
    return BoundingBox.from_centre(x, y, w, h)


@pytest.mark.parametrize('predictions, strength, given, corrected', [
    pytest.param([at(110, 76, 50, 48)] * 3, 1.0, at(110, 76, 50, 48), TRUE, id='full strength'),
    pytest.param([at(110, 76, 50, 48)], 1.0, at(310, 276, 100, 96), at(290, 284, 80, 120),
                 id='it scales with the box'),
    pytest.param([at(110, 76, 50, 48)], 0.0, at(110, 76, 50, 48), at(110, 76, 50, 48),
                 id='no strength'),
    pytest.param([at(100, 80, 44, 60), at(300, 10, 5, 200), at(100, 80, 44, 60)], 1.0,
                 at(100, 80, 44, 60), TRUE, id='one wild prediction does not count'),
    pytest.param([at(100, 80, 4, 6)], 1.0, at(100, 80, 4, 6), at(100, 80, 8, 12),
                 id='the size is limited'),
    pytest.param([at(180, 20, 40, 60)], 1.0, at(180, 20, 40, 60), at(160, 50, 40, 60),
                 id='the shift is limited')])
def test_a_correction_turns_what_was_predicted_into_the_true_box(
        predictions, strength, given, corrected):
    found = BoxCorrection.between(predictions, TRUE, strength)(given)
    assert found.xywh == pytest.approx(corrected.xywh)


def test_all_weights_zero_learn_nothing(engine, scene):
    tracker = Tracker(engine, TrackerConfig().replace({**OFF, 'steady_size': 255}))
    tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
    assert tracker._memory.online is None
    assert sorted(engine.searched) == [255, 511], 'once each for what is compiled'


@pytest.mark.parametrize('name', list(OFF))
def test_each_part_alone_follows(engine, scene, name):
    config = TrackerConfig().replace({**OFF, name: 1.0 if name != 'online_weight' else 0.5})
    tracker = Tracker(engine, config)
    tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
    for step in range(1, 12):
        centre = (200 + 5 * step, 200 + 3 * step)
        result = tracker.update(scene(centre))
        assert np.hypot(*np.subtract(result.box.centre, centre)) < 6
    assert result.box.iou(BoundingBox.from_centre(*centre, 40, 40)) > 0.7


def test_a_biased_network_is_corrected(engine, scene):
    """A network whose boxes are half again too wide, as seen on the first image already."""
    search = engine.search

    def too_wide(patch, template, *meanwhile):
        maps = search(patch, template)
        width = maps.distances[0] + maps.distances[2]
        maps.distances[0] += width / 4
        maps.distances[2] += width / 4
        return maps

    engine.search = too_wide
    widths = {}
    for strength in (0.0, 1.0):
        tracker = Tracker(engine, TrackerConfig().replace({**OFF, 'box_correction': strength}))
        tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
        for step in range(1, 15):
            result = tracker.update(scene((200 + 2 * step, 200)))
        widths[strength] = result.box.w
    assert widths[0.0] > 52 and widths[1.0] == pytest.approx(40, abs=3)


def test_what_is_searched_by_teaches_not_what_is_reported(engine, scene, monkeypatch):
    taught = []
    monkeypatch.setattr(OnlineModel, 'learn', lambda self, image, box, *rest: taught.append(box))
    tracker = Tracker(engine, TrackerConfig().replace({'size_lr': 0.5, 'reported_share': 1.0}))
    tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
    result = tracker.update(scene((202, 200), 50))
    assert taught == [tracker.memory.box] and result.box.w > taught[0].w + 1


def test_an_init_that_fails_half_way_keeps_the_target(engine, scene):
    tracker = Tracker(engine)
    tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))

    def broken(maps):
        raise RuntimeError('no memory left')

    describe, engine.describe = engine.describe, broken
    with pytest.raises(RuntimeError):
        tracker.init(scene((400, 300)), BoundingBox.from_centre(400, 300, 40, 40))
    engine.describe = describe
    assert tracker.update(scene((202, 200))).box.centre == pytest.approx((202, 200), abs=3)


def test_nothing_is_learnt_until_a_return_is_confirmed(engine, scene, monkeypatch):
    """First letters of the states, a capital where the image is learnt from."""
    script = {0.9: 'T', 0.6: 'U', 0.1: 'l', 0.95: 'r', 0.61: 'u', 0.71: 'u', 0.72: 'u', 0.73: 'T'}
    confidences = iter(script)
    config = TrackerConfig().replace({
        'adaptive': 'off', 'learn_threshold': 0.5, 'lost_threshold': 0.7, 'gone_threshold': 0.2,
        'unbroken_margin': 0.0,
        'recover_threshold': 0.7, 'relocalise_threshold': 0.9, 'n_lost': 1, 'n_confirm': 3,
        'n_doubt': 0, 'backward_every': 0})
    tracker = Tracker(engine, config, lambda *indicators: next(confidences))
    tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
    taught = []
    monkeypatch.setattr(OnlineModel, 'learn', lambda *lesson: taught.append(True))
    seen = ''
    for _ in script:
        taught.clear()
        letter = tracker.update(scene((200, 200))).state.name[0]
        seen += letter if taught else letter.lower()
    assert seen == ''.join(script.values())


def test_what_an_image_leaves_to_learn_can_be_done_while_the_next_is_searched(
        engine, scene, monkeypatch):
    """Or after that, or at once: the answers are the same."""
    plain_search, plain_learn, now, done = engine.search, OnlineModel.learn, ['after'], Counter()

    def search(patch, template, meanwhile=lambda: None):
        now[0] = 'search'
        if when == 'search':
            meanwhile()
        now[0] = 'after'
        return plain_search(patch, template)

    def learn(model, *lesson):
        plain_learn(model, *lesson)
        now[0] = 'at once'
        if when == 'at once':
            model.catch_up()

    for name in ('learn', 'solve'):
        def counted(self, *args, method=getattr(RidgeFilter, name)):
            done[now[0]] += 1
            return method(self, *args)
        monkeypatch.setattr(RidgeFilter, name, counted)
    monkeypatch.setattr(engine, 'search', search)
    monkeypatch.setattr(OnlineModel, 'learn', learn)
    tracks = []
    for when in ('search', 'after', 'at once'):
        tracker = Tracker(engine)
        tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
        done.clear()
        results = [tracker.update(scene((200 + 2 * step, 200))) for step in range(30)]
        tracks.append([(result.box, result.online_response) for result in results])
        assert done == {when: 4}
    assert tracks[0] == tracks[1] == tracks[2]


def test_colours_are_reported_and_their_usual_likeness_and_they_themselves_are_learnt(scene):
    place, window = BoundingBox.from_centre(200, 200, 40, 40), CropWindow(200, 200, 100.0, 255)
    features = np.random.default_rng(1).random((3, 31, 31)).astype(np.float32)
    model = OnlineModel(TrackerConfig(), scene((200, 200)), place,
                        [View(window, features, place)])
    grey = scene(None)
    assert model.colour_similarity(scene((200, 200)), place) == pytest.approx(1)
    before = model.colour_similarity(grey, place)
    assert before < 0.1 and model.strangeness(0.5) == 0
    for _ in range(2 * TURNS):
        model.learn(grey, place, features, Candidate(
            place, 0.9, 1.0, 0.0, (12, 12), window, colour=0.9))
    assert model.strangeness(0.5) > 1 and model.colour_similarity(grey, place) > before + 0.1


def test_a_result_says_how_like_the_colours_are_and_strange_ones_are_doubted_when_lost(
        engine, scene, monkeypatch):
    from siamx_ros.tracking import tracker as module
    judged, judge = [], module.judge
    monkeypatch.setattr(module, 'judge', lambda engine, image, questions: (
        judged.extend(asked.tracked for asked in questions), judge(engine, image, questions))[1])
    tracker = Tracker(engine)
    tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
    assert tracker.update(scene((202, 200))).colour_similarity > 0.9
    tracker.lose()
    assert tracker.update(scene(None)).colour_similarity < 0.3
    assert judged[0] is True and judged[1:] and not any(judged[1:])
