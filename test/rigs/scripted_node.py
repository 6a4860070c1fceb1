"""The tracker node with a tracker that obeys its images: faults and losses at will, no network.

The first pixel of an image is (command, confidence in 1/255, duration in 10 ms, or 100 ms if long),
blue first. Weights 'slow' take 3 s to load, 'stuck' ones for ever; 'broken' ones fail at the end.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from siamx_ros.node.tracker_node import main
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState
from siamx_ros.tracking.states import StateMachine

FAIL, NO_MEMORY, SLEEP, HANG, SLEEP_LONG = 1, 2, 3, 4, 5
BUSY = 'scripted: at work'
"""Printed where an inference that takes a while begins."""


class OutOfMemoryError(RuntimeError):
    """As torch raises it."""


class ScriptedTracker:
    """Keeps the box where it was given; states follow the scripted confidence."""

    reduction = 1

    def __init__(self, config, weights='') -> None:
        self.config, self.states, self.weights = config, StateMachine(config), weights
        self.box, self.stamp = None, 0.0
        self.heat_map = np.ones((4, 4), np.float32)

    def init(self, image, box, stamp):
        obey(image)
        self.box, self.states = box, StateMachine(self.config)
        self.states.start(stamp)
        return TrackResult(box, 1.0, TrackState.TRACKING, Reason.INIT, BoxSource.MEASURED, True)

    def update(self, image, stamp, gate=None):
        obey(image)
        self.stamp = stamp
        confidence = image[0, 0, 1] / 255
        reason = self.states.step(confidence, stamp)
        state = self.states.state
        source = {TrackState.TRACKING: BoxSource.MEASURED,
                  TrackState.RELOCALISED: BoxSource.RELOCALISED}.get(state, BoxSource.PREDICTED)
        return TrackResult(self.box, confidence, state, reason, source,
                           valid=state == TrackState.TRACKING, velocity=(3.0, -1.5),
                           frames_lost=self.states.frames_lost)

    def lose(self, stamp):
        self.states.lose(stamp)

    def reset(self):
        self.box = None

    def configure(self, config):
        self.config = self.states.config = config

    def close(self):
        self.reset()
        if self.weights == 'broken':
            raise RuntimeError('the device has gone')


def obey(image) -> None:
    """Do what the image commands."""
    command, _, duration = map(int, image[0, 0])
    if command in (SLEEP, SLEEP_LONG, HANG):
        print(BUSY, file=sys.stderr, flush=True)
    if command == FAIL:
        raise RuntimeError('scripted failure')
    if command == NO_MEMORY:
        raise OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')
    if command == SLEEP:
        time.sleep(duration / 100)
    if command == SLEEP_LONG:
        time.sleep(duration / 10)
    if command == HANG:
        time.sleep(3600)


def loaded(config) -> ScriptedTracker:
    """The tracker, after as long as its weights take."""
    time.sleep({'slow': 3, 'stuck': 3600}.get(config.model.weights, 0))
    return ScriptedTracker(config.tracking, config.model.weights)


if __name__ == '__main__':
    sys.exit(main(tracker_factory=loaded))
