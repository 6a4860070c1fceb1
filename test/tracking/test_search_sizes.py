"""What patch the tracker searches: small while steady, whole in doubt, all prepared."""

import cv2
import numpy as np
import pytest
from track_playing import CONFIG, line, play, start

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackState
from siamx_ros.reduced_image import ReducedImage
from siamx_ros.settings import SettingsError
from siamx_ros.synthetic import sequence
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.online import FIRST_VIEWS


def test_a_steady_target_is_searched_in_a_smaller_patch_of_the_same_scale(engine, scene):
    tracker = start(engine, scene, (200, 200), size_lr=0.0)
    assert sorted(engine.searched) == [207] + [255] * len(FIRST_VIEWS) + [511], (
        'what it takes is prepared with the target, not in an update, and not twice')
    engine.searched.clear()
    results = play(tracker, scene, line((200, 200), (5, 3), 5))
    assert engine.searched == [255] + [207] * 4, 'after one image no velocity is known'
    scales = {round(result.windows[0].scales[0], 9) for result in results}
    assert len(scales) == 1


def test_what_is_fast_doubtful_or_gone_is_searched_in_the_whole_patch(engine, scene):
    tracker = start(engine, scene, (200, 200), size_lr=0.0)
    play(tracker, scene, line((200, 200), (5, 3), 3))
    engine.searched.clear()
    play(tracker, scene, [(245, 209), (250, 209), (255, 209)])
    assert engine.searched == [207, 255, 207]
    engine.searched.clear()
    states = [result.state for result in play(tracker, scene, [None] * 4 + [(255, 209)] * 2)]
    assert states[0] == TrackState.UNCERTAIN and states[3] == TrackState.LOST
    assert states[-1] == TrackState.TRACKING
    assert engine.searched[0] == 207 and set(engine.searched[1:]) == {255, 511}


def test_an_uncertain_target_is_searched_in_the_whole_patch_however_steady(engine, scene):
    tracker = start(engine, scene, (200, 200), size_lr=0.0, n_recover=3)
    play(tracker, scene, [(200, 200)] * 3 + [None])
    engine.searched.clear()
    states = [result.state for result in play(tracker, scene, [(200, 200)] * 4)]
    assert states == [TrackState.UNCERTAIN] * 2 + [TrackState.TRACKING] * 2
    assert engine.searched == [255] * 3 + [207]


def test_after_a_gap_in_the_images_the_whole_patch_is_searched(engine, scene):
    """It moves 12 pixels an image, 20 are steady: after 2.5 times the time it may be 30 away."""
    tracker = start(engine, scene, (200, 200), size_lr=0.0)
    stamps = [0.1, 0.2, 0.3, 0.4, 0.65, 0.9, 1.0]
    centres = line((200, 200), (12, 0), len(stamps))
    engine.searched.clear()
    for stamp, centre in zip(stamps, centres):
        tracker.update(scene(centre), stamp)
    assert engine.searched == [255, 207, 207, 207, 255, 207, 207]


def test_images_in_quick_succession_make_nothing_steadier(engine, scene):
    tracker = start(engine, scene, (200, 200), size_lr=0.0)
    engine.searched.clear()
    for stamp, x in ((0.1, 222), (0.2, 244), (0.21, 266)):
        tracker.update(scene((x, 200)), stamp)
    assert engine.searched == [255, 255, 255]


@pytest.mark.parametrize('stamps', [(0.1, 0.2, 0.2, 1.0), (0.1, 0.2, 0.15, 1.0)])
def test_after_an_image_that_took_no_time_nothing_is_steady(engine, scene, stamps):
    tracker = start(engine, scene, (200, 200), size_lr=0.0)
    for stamp in stamps:
        engine.searched.clear()
        tracker.update(scene((200, 200)), stamp)
    assert engine.searched == [255]


@pytest.mark.parametrize('step, size', [(8, 127), (12, 255)])
def test_a_small_patch_is_searched_for_what_it_reaches(engine, scene, step, size):
    """127 pixels reach 20 here: half of that is steady, although an eighth of the window is 20."""
    tracker = start(engine, scene, (200, 200), size_lr=0.0, steady_size=127)
    play(tracker, scene, line((200, 200), (step, 0), 2))
    engine.searched.clear()
    play(tracker, scene, [(200 + 3 * step, 200)])
    assert engine.searched == [size]


def test_all_sizes_are_prepared_with_the_target_and_with_the_settings(engine, scene):
    tracker = start(engine, scene, (200, 200), search_growth=1.5)
    assert set(engine.searched) == {207, 255, 383, 767}
    engine.searched.clear()
    tracker.configure(CONFIG.replace({'search_growth': 2.0}))
    tracker.configure(CONFIG.replace({'search_growth': 2.0, 'momentum': 0.5}))
    assert sorted(engine.searched) == [511, 831], 'others are, and these are now'


@pytest.mark.parametrize('adaptive', ['paper', 'global'])
def test_what_a_lost_target_takes_is_prepared(engine, scene, adaptive):
    tracker = start(engine, scene, (200, 200), adaptive=adaptive)
    prepared = set(engine.searched)
    play(tracker, scene, [(200, 200), (205, 200), (210, 200)] + [None] * 30)
    assert set(engine.searched) == prepared and max(prepared) > 255


def test_one_patch_size_throughout(engine, scene):
    tracker = start(engine, scene, (200, 200), steady_size=255)
    engine.searched.clear()
    play(tracker, scene, line((200, 200), (5, 3), 5))
    assert set(engine.searched) == {255}


@pytest.mark.parametrize('settings, sentence', [
    ({'search_size': 260}, 'search_size must leave 15 when divided by 16, got 260'),
    ({'steady_size': 200}, 'steady_size must leave 15 when divided by 16, got 200'),
    ({'steady_size': 271}, r'steady_size \(271\) must not be above search_size \(255\)')])
def test_patch_sizes_that_do_not_fit_are_refused(settings, sentence):
    with pytest.raises(SettingsError, match=sentence):
        TrackerConfig().replace(settings)


def test_a_larger_window_while_lost(engine, scene):
    tracker = start(engine, scene, (300, 200), adaptive='momentum', search_growth=2.0)
    play(tracker, scene, [None] * 5)
    assert engine.searched[-1] == 511
    sides = [w.side / w.patch_side for w in tracker.update(scene(None)).windows]
    assert sides[0] == pytest.approx(tracker._memory.box.w * 2 / 127)


def test_the_authors_crop_is_for_any_shape_but_not_for_blocks():
    tracker = load_tracker(ModelConfig(device='cpu'), TrackerConfig().replace({'crop': 'authors'}))
    clip = sequence(centres=np.linspace((100, 120), (160, 120), 12), target_size=(28, 90), seed=3)
    tracker.init(clip.image(0), BoundingBox.from_centre(100, 120, 28, 90))
    for index in range(1, 12):
        result = tracker.update(clip.image(index))
    assert result.box.iou(BoundingBox.from_centre(160, 120, 28, 90)) > 0.6
    blocks = ReducedImage(cv2.resize(clip.image(11), None, fx=0.5, fy=0.5), 2,
                          clip.image(11).shape[1::-1])
    with pytest.raises(InputError, match='needs an image with all its pixels'):
        tracker.update(blocks)
