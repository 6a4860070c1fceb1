"""What the worker does for several targets, with trackers that keep what they are shown."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages import frames
from siamx_ros.messages.frames import Frame
from siamx_ros.node.session import Session
from siamx_ros.node.target_names import TargetNames
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState
from siamx_ros.tracking import multi_tracker

BOX = BoundingBox(20, 10, 12, 8)
SMALL = 24, 32, 3


class FakeTracker:
    """Sees its target where it was; ``said`` has the stamps of its images and 'lost'."""

    reduction, engine, config = 1, None, TrackerConfig()

    def __init__(self) -> None:
        self.memory, self.said = None, []

    def another(self) -> FakeTracker:
        return FakeTracker()

    def init(self, image, box, stamp) -> TrackResult:
        self.memory = SimpleNamespace(image_size=image.shape[1::-1])
        return self.update(image, stamp)

    def update(self, image, stamp, gate=None) -> TrackResult:
        self.said.append(stamp)
        return TrackResult(BOX, 1.0, TrackState.TRACKING, box_source=BoxSource.MEASURED, valid=True)

    def lose(self, stamp) -> None:
        self.said.append('lost')

    def reset(self) -> None:
        self.memory = None


@pytest.fixture
def session(monkeypatch) -> Session:
    """Images are arrays, damaged ones sentences; ``others`` has the trackers of those added."""
    def update_together(group, image, stamp, gates):
        return {number: tracker.update(image, stamp)
                for number, tracker in group.trackers.items()}

    def decode(frame, reduction=1):
        if isinstance(frame.msg, str):
            raise InputError(frame.msg)
        return frame.msg

    def another(self):
        others.append(FakeTracker())
        return others[-1]

    others = []
    monkeypatch.setattr(FakeTracker, 'another', another)
    monkeypatch.setattr(multi_tracker, 'as_one_image', lambda method: method)
    monkeypatch.setattr(multi_tracker.MultiTracker, 'update', update_together)
    monkeypatch.setattr(multi_tracker.MultiTracker, '_warm_up', lambda group: None)
    monkeypatch.setattr(multi_tracker.MultiTracker, 'around',
                        lambda tracker, wait: multi_tracker.MultiTracker(None, wait=wait))
    session = Session(FakeTracker(), decode, lambda: 0.0, 0.5, TargetNames())
    session.others = others
    return session


def frame(second: float, image=None) -> Frame:
    image = np.zeros((48, 64, 3), np.uint8) if image is None else image
    return Frame(image, float(second), float(second), 0.0)


def start(session: Session, at: Frame, name: str = ''):
    return session.start(at, lambda image: BOX, name, '')


def add(session: Session, *frames: Frame, name: str = '', **how) -> str:
    outcomes = session.further.start(
        list(frames), lambda image: BOX, name, '', session.target_id, **how)
    return outcomes[-1].target_id


def test_a_new_target_is_called_unlike_the_one_that_it_replaces(session):
    """Else nobody would notice that it is another one."""
    start(session, frame(1), 'anna')
    add(session, frame(1), name='ben')
    assert start(session, frame(2), 'anna').target_id not in ('anna', 'ben')


def test_images_that_a_new_target_catches_up_on_are_not_shown_to_the_others_again(session):
    start(session, frame(1))
    name = add(session, frame(1))
    for second in (2, 3, 4):
        session.process(frame(second))
    start(session, frame(2))
    outcomes = [session.process(frame(second)) for second in (3, 4, 5)]
    assert session.tracker.said[-4:] == [2, 3, 4, 5]
    assert session.others[0].said == [1, 2, 3, 4, 5]
    assert [[each.target_id for each in outcome.further] for outcome in outcomes] == [
        [], [], [name]]


def test_an_image_on_which_the_first_further_target_was_caught_up_is_not_shown_to_it_again(session):
    start(session, frame(1))
    add(session, frame(1), frame(2))
    session.process(frame(2))
    session.process(frame(3))
    assert session.others[0].said == [1, 2, 3] and session.tracker.said == [1, 2, 3]


def test_a_new_target_on_images_of_another_size_drops_the_others(session):
    start(session, frame(1))
    add(session, frame(1))
    session.pause()
    start(session, frame(2, np.zeros(SMALL, np.uint8)), 'anna')
    assert session.target_id == 'anna' and not session.further and session.enabled
    assert session.process(frame(3, np.zeros(SMALL, np.uint8))).result.valid


@pytest.mark.parametrize('interrupt', [
    lambda session: session.pause(), lambda session: session.interrupt(Reason.NO_IMAGES)])
def test_a_new_target_does_not_spare_the_others_to_be_found_anew(session, interrupt):
    start(session, frame(1))
    add(session, frame(1))
    interrupt(session)
    start(session, frame(2))
    session.process(frame(3))
    assert session.others[0].said == [1, 'lost', 3]
    assert session.tracker.said == [1, 2, 3]


def test_damaged_images_are_forgotten_with_the_last_target(session):
    start(session, frame(1))
    name = add(session, frame(1))
    session.drop(session.target_id)
    assert session.process(frame(2, 'damaged')).message == 'damaged' and session.unreadable
    session.drop(name)
    session.process(frame(3))
    assert not session.unreadable


def test_damaged_images_are_noticed_once_a_second_without_a_target(session):
    seconds = 0.0, 0.4, 0.9, 1.1, 1.2, 2.2, 2.3
    answers = [session.process(frame(each, 'damaged' if each < 2 else None)) for each in seconds]
    assert [answer.message for answer in answers] == ['damaged'] * 5 + ['', '']
    assert not session.unreadable
    session.process(frame(3.4, 'damaged'))
    assert session.unreadable
    start(session, frame(3.5))
    assert not session.unreadable


def test_what_cannot_be_read_shows_no_target_and_the_next_image_does(session):
    start(session, frame(1))
    states = [session.process(frame(stamp, what)).result.state.name
              for stamp, what in ((2, None), (3, 'damaged'), (4, None))]
    assert states == ['TRACKING', 'UNCERTAIN', 'TRACKING']


def test_a_further_target_on_images_that_changed_their_size_is_not_taken(session):
    outcomes = session.further.start(
        [frame(1), frame(2), frame(3, np.zeros(SMALL, np.uint8)), frame(4)],
        lambda image: BOX, '', '', '')
    assert [outcome.result.state.name for outcome in outcomes] == [
        'TRACKING', 'TRACKING', 'UNINITIALISED']
    assert outcomes[-1].result.reason == Reason.IMAGE_SIZE_CHANGED and not session.further


def test_a_further_target_is_caught_up_past_damaged_images(session):
    add(session, frame(1), frame(2, 'damaged'), frame(3))
    assert session.others[0].said == [1, 3] and len(session.further) == 1


def test_a_further_target_is_caught_up_in_time(session, monkeypatch):
    """Each image takes a second; images are left out, but not the newest."""
    now = iter(range(1000))
    monkeypatch.setattr(frames.time, 'monotonic', lambda: float(next(now)))
    add(session, *map(frame, range(1, 30)), deadline=8.0)
    assert session.others[0].said[:2] == [1, 2] and session.others[0].said[-1] == 29
    assert len(session.others[0].said) < 10


def test_nothing_of_an_image_that_came_too_late_is_to_be_acted_on(session):
    start(session, frame(1))
    add(session, frame(1))
    outcome = session.process(frame(2))
    assert outcome.further
    late = session.too_late(outcome, 7.25)
    assert late.result.state == TrackState.ERROR and not late.further
    assert late.message == 'one image was worked on for 7.2 s'
    session.process(frame(3))
    assert session.others[0].said == [1, 2, 'lost', 3]
