"""The whole tracker over a stub network: following, losing, finding again, refusing."""

import math

import cv2
import numpy as np
import pytest
from track_playing import CONFIG, line, play, start

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, Reason, TrackState
from siamx_ros.reduced_image import ReducedImage
from siamx_ros.schemes import ADAPTIVE_SCHEMES
from siamx_ros.tracking.confidence import Calibration
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.tracker import Tracker


def test_follows_a_slow_target(engine, scene):
    centres = line((200, 200), (6, 4), 40)
    for result, centre in zip(play(start(engine, scene), scene, centres), centres):
        assert result.box.centre == pytest.approx(centre, abs=1.5)
        assert result.valid and result.box_source == BoxSource.MEASURED
        assert (result.box.w, result.box.h) == pytest.approx((40, 40), abs=2)


@pytest.mark.parametrize('adaptive, found', [('paper', True), ('momentum', True), ('off', False)])
def test_momentum_keeps_a_target_that_moves_further_than_the_window(engine, scene, adaptive, found):
    """The window reaches 80 px each way; from 70 px a frame on, only the drift can follow."""
    centres = line((60, 240), (62, 0), 3) + line((246, 240), (75, 0), 4)
    results = play(start(engine, scene, (60, 240), adaptive=adaptive, size_lr=0.0), scene, centres)
    assert (results[-1].box.centre == pytest.approx(centres[-1], abs=3)) == found
    assert (results[1].velocity == pytest.approx((62, 0), abs=3))


def test_lost_and_found_where_it_was_before(engine, scene):
    tracker = start(engine, scene, (120, 120))
    results = play(tracker, scene, [(120, 120)] * 30 + line((120, 120), (16, 10), 25))
    results = play(tracker, scene, [None] * 6 + [(120, 120)] * 4)
    states = [result.state for result in results]
    assert states == [TrackState.UNCERTAIN] + [TrackState.LOST] * 5 + [
        TrackState.RELOCALISED, *[TrackState.TRACKING] * 3]
    assert not any(result.valid for result in results[:7])
    assert np.isnan([result.velocity for result in results[:8]]).all(), 'a jump is no velocity'
    assert results[-1].velocity == pytest.approx((0, 0), abs=2)
    assert results[6].box_source == BoxSource.RELOCALISED
    assert results[-1].box.centre == pytest.approx((120, 120), abs=2)
    assert len(results[3].windows) == 2


def test_without_relocalisation_it_stays_lost(engine, scene):
    tracker = start(engine, scene, (120, 120), adaptive='momentum')
    play(tracker, scene, [(120, 120)] * 30 + line((120, 120), (16, 10), 25))
    results = play(tracker, scene, [None] * 6 + [(120, 120)] * 4)
    assert results[-1].state == TrackState.LOST
    assert all(len(result.windows) == 1 for result in results)


def test_global_search_finds_it_anywhere(engine, scene):
    tracker = start(engine, scene, (120, 120), adaptive='global')
    results = play(tracker, scene, [None] * 4 + [(560, 400)] * 4)
    assert results[-1].box.centre == pytest.approx((560, 400), abs=4)
    assert max(engine.searched) > 255


def test_frozen_while_lost(engine, scene):
    """The committed box does not wander: it waits where the target was last reliable."""
    tracker = start(engine, scene, (300, 200), adaptive='momentum')
    play(tracker, scene, [(300, 200)] * 3)
    play(tracker, scene, [None] * 10)
    assert tracker.update(scene((310, 205))).state == TrackState.RELOCALISED


@pytest.mark.parametrize('follow, found', [(0.05, True), (0.85, False)])
def test_follows_what_is_hard_to_see_while_lost(engine, scene, follow, found):
    """Half faded, the target is not confirmed, yet the search goes along with it."""
    def faded(centre):
        image = scene(centre)
        image[:, ::2] = scene(None)[:, ::2]
        return image

    tracker = start(engine, scene, (120, 200), adaptive='momentum', follow_threshold=follow)
    play(tracker, scene, [None] * 3)
    assert tracker.states.state == TrackState.LOST
    way = line((120, 200), (8, 3), 30)
    assert {result.state for result in play(tracker, faded, way)} == {TrackState.LOST}
    assert (tracker._memory.box.w, tracker._memory.box.h) == pytest.approx((40, 40), abs=2)
    last = tracker.update(scene(line(way[-1], (8, 3), 1)[0]))
    assert (last.state == TrackState.RELOCALISED) == found


def test_stamps_decide_the_time(engine, scene):
    tracker = start(engine, scene, n_lost=1, search_timeout=1.0)
    tracker.update(scene(None), 10.0)
    assert tracker.update(scene(None), 10.9).state == TrackState.LOST
    last = tracker.update(scene(None), 11.1)
    assert last.state == TrackState.UNINITIALISED and last.reason == Reason.SEARCH_TIMEOUT
    with pytest.raises(InputError, match='no target'):
        tracker.update(scene(None), 11.2)


def test_a_gap_does_not_count_as_searching(engine, scene):
    """Lost after ten seconds without images, and searched for from then on."""
    tracker = start(engine, scene, search_timeout=1.0)
    tracker.update(scene((200, 200)), 1.0)
    tracker.lose(11.0)
    assert tracker.update(scene(None), 11.0).state == TrackState.LOST
    assert tracker.update(scene(None), 11.9).state == TrackState.LOST
    assert tracker.update(scene(None), 12.1).state == TrackState.UNINITIALISED


def test_heat_map_is_there_for_its_scheme_only(engine, scene):
    assert start(engine, scene).heat_map.max() > 0
    assert start(engine, scene, adaptive='off').heat_map is None
    assert Tracker(engine).heat_map is None


def test_live_change_keeps_the_target(engine, scene):
    tracker = start(engine, scene)
    tracker.update(scene((205, 200)))
    tracker.configure(CONFIG.replace({'adaptive': 'global', 'lost_threshold': 0.05}))
    assert tracker.heat_map is None
    assert tracker.update(scene((210, 200))).box.centre == pytest.approx((210, 200), abs=2)


def test_reset(engine, scene):
    tracker = start(engine, scene)
    tracker.reset()
    with pytest.raises(InputError, match='call init first'):
        tracker.update(scene((200, 200)))


@pytest.mark.parametrize('box', [(-500, 10, 40, 40), (630, 470, 40, 40), (0, 0, 2000, 2000)])
def test_box_outside(engine, scene, box):
    with pytest.raises(InputError, match='640x480'):
        Tracker(engine).init(scene(None), BoundingBox(*box))


@pytest.mark.parametrize('image', [
    np.zeros((10, 10), np.uint8), np.zeros((10, 10, 4), np.uint8), np.zeros((10, 10, 3), float),
    np.zeros((0, 10, 3), np.uint8), None])
def test_impossible_images(engine, scene, image):
    with pytest.raises(InputError, match='H x W x 3 uint8'):
        Tracker(engine).init(image, BoundingBox(0, 0, 4, 4))
    tracker = start(engine, scene)
    with pytest.raises(InputError, match='H x W x 3 uint8'):
        tracker.update(image)
    assert tracker.update(scene((202, 200))).valid


@pytest.mark.parametrize('adaptive', ADAPTIVE_SCHEMES)
def test_the_real_network_with_random_weights(scene, adaptive):
    """Nothing meaningful is tracked, but every scheme runs, and twice the same."""
    def run():
        config = TrackerConfig().replace({'adaptive': adaptive, 'n_lost': 1})
        tracker = load_tracker(ModelConfig(weights='random', device='cpu'), config)
        tracker.init(scene((200, 200)), BoundingBox(180, 180, 40, 40))
        return [tracker.update(scene(centre)) for centre in [(205, 200), None, (210, 200)]]
    assert run() == run()


@pytest.mark.parametrize('crop', ['exact', 'authors'])
def test_both_crops_follow(engine, scene, crop):
    results = play(start(engine, scene, crop=crop), scene, line((200, 200), (5, 3), 10))
    assert results[-1].box.centre == pytest.approx((250, 230), abs=3)


def test_calibration_moves_confidence_not_the_score(engine, scene):
    tracker = Tracker(engine, CONFIG, Calibration(bias=-10.0))
    tracker.init(scene((200, 200)), BoundingBox.from_centre(200, 200, 40, 40))
    result = tracker.update(scene((200, 200)))
    assert result.raw_score > 0.9 and result.confidence < 0.05
    assert Calibration()(0.7, 0.1, math.nan) == pytest.approx(0.7)
    with pytest.raises(InputError, match='calibration'):
        Calibration.from_dict({'slope': 1.0})


def test_blocks_of_pixels_are_enough_for_a_large_target(engine, scene):
    tracker = Tracker(engine, CONFIG)
    assert tracker.reduction == 1, 'before there is a target'
    tracker.init(scene((300, 240), 160), BoundingBox.from_centre(300, 240, 160, 160))
    for centre in line((300, 240), (3, 1), 12):
        assert tracker.reduction == 2
        blocks = cv2.resize(scene(centre, 160), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        result = tracker.update(ReducedImage(blocks, 2, (640, 480)))
        assert result.box.centre == pytest.approx(centre, abs=4)
        assert result.state == TrackState.TRACKING and result.box.w == pytest.approx(160, abs=8)
    tracker.lose()
    assert tracker.reduction == 1, 'while it may be anywhere'
    assert start(engine, scene).reduction == 1, 'a small target needs all pixels'


@pytest.mark.parametrize('image, words', [
    (np.zeros((240, 320, 3), np.uint8), '320x240.*640x480'),
    (ReducedImage(np.zeros((240, 320, 3), np.uint8), 2, (642, 480)), '642x480 pixels')])
def test_an_image_of_another_size_is_refused(engine, scene, image, words):
    tracker = start(engine, scene)
    with pytest.raises(InputError, match=words):
        tracker.update(image)


def test_what_the_gate_refuses_is_no_target_and_the_box_stays(engine, scene):
    """As if somebody passed before it: three images, one more than it takes to be lost."""
    tracker = start(engine, scene, (200, 200), n_lost=3)
    play(tracker, scene, line((200, 200), (4, 0), 3))
    refused = [tracker.update(scene((230, 200)), gate=lambda box: False) for _ in range(4)]
    assert [result.state for result in refused] == (
        [TrackState.UNCERTAIN] * 2 + [TrackState.LOST] * 2)
    assert [result.reason for result in refused] == [
        Reason.OUT_OF_REACH, Reason.NONE, Reason.OUT_OF_REACH, Reason.NONE]
    for result in refused:
        assert not result.valid and result.confidence == 0
        assert result.box.centre == pytest.approx((212, 200), abs=2), 'where it was last seen'
    found = [tracker.update(scene((230, 200)), gate=lambda box: box.centre[0] > 220)
             for _ in range(2)]
    assert found[-1].valid and found[-1].box.centre == pytest.approx((230, 200), abs=2)


@pytest.mark.parametrize('learn_threshold', [0.5, 0.0])
def test_nothing_is_learnt_from_what_the_gate_refuses(engine, scene, learn_threshold):
    tracker, asked = start(engine, scene, learn_threshold=learn_threshold), []
    tracker._memory.online.learn = lambda *what: asked.append(what)
    tracker.update(scene((202, 200)), gate=lambda box: False)
    assert not asked
    tracker.update(scene((202, 200)))
    tracker.update(scene((202, 200)))
    assert asked, 'else it is'


def test_blocks_of_pixels_are_not_enough_to_give_a_target(engine, scene):
    blocks = ReducedImage(scene((100, 100))[::2, ::2], 2, (640, 480))
    with pytest.raises(InputError, match='all its pixels, got one of blocks of 2 x 2 pixels'):
        Tracker(engine).init(blocks, BoundingBox(80, 80, 40, 40))


def test_a_change_that_the_calibration_does_not_go_with_is_refused(engine, scene):
    tracker = start(engine, scene)
    with pytest.raises(InputError, match='online_weight cannot change .* from 0.5 to 0:'):
        tracker.configure(CONFIG.replace({'online_weight': 0.0}))
    assert tracker.config == CONFIG
    tracker.configure(CONFIG.replace({'online_weight': 0.3}))
