"""A tracker with low thresholds that is given its target, and images played to it."""

import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import Reason, TrackState
from siamx_ros.tracking.tracker import Tracker

CONFIG = TrackerConfig().replace({
    'lost_threshold': 0.5, 'recover_threshold': 0.6, 'relocalise_threshold': 0.8, 'n_lost': 2,
    'n_confirm': 2, 'lost_time': 0.0, 'unbroken_margin': 0.0})


def start(engine, scene, centre=(200, 200), **settings):
    tracker = Tracker(engine, CONFIG.replace(settings))
    first = tracker.init(scene(centre), BoundingBox.from_centre(*centre, 40, 40))
    assert first.state == TrackState.TRACKING and first.reason == Reason.INIT and first.valid
    assert np.isnan(first.velocity).all()
    return tracker


def play(tracker, scene, centres):
    return [tracker.update(scene(centre)) for centre in centres]


def line(begin, step, count):
    return [(begin[0] + step[0] * i, begin[1] + step[1] * i) for i in range(1, count + 1)]
