"""Small written sequences and trackers whose figures are known."""

import cv2
import numpy as np
import pytest

from siamx_ros.data.sequence import read_folder
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, TrackResult, TrackState


def said(box, state=TrackState.TRACKING, confidence=1.0, valid=True):
    return TrackResult(box, confidence, state, box_source=BoxSource.MEASURED, valid=valid)


class Oracle:
    """Knows the true boxes; where the target is absent it says LOST and keeps its last box."""

    def __init__(self, truth):
        self.truth, self.index, self.last = np.asarray(truth, float), 0, None

    def init(self, image, box, stamp=None):
        self.index = int(np.argmax(np.isfinite(self.truth).all(1)))
        self.last = box
        return said(box)

    def update(self, image, stamp=None):
        self.index += 1
        row = self.truth[self.index]
        if not np.isfinite(row).all():
            return said(self.last, TrackState.LOST, 0.0, False)
        self.last = BoundingBox.from_xywh(row)
        return said(self.last)

    def close(self):
        self.closed = True


class Changed(Oracle):
    """Answers with what a function makes of the number of an image and the true answer."""

    def __init__(self, truth, change):
        super().__init__(truth)
        self.change = change

    def update(self, image, stamp=None):
        result = super().update(image)
        return self.change(self.index, result)


class Static:
    """Never moves and is always sure."""

    def init(self, image, box, stamp=None):
        self.box = box
        return said(box)

    def update(self, image, stamp=None):
        return said(self.box)

    def close(self):
        self.closed = True


def write_sequence(folder, boxes, size=(64, 48)):
    """Write <folder>/img/*.jpg and groundtruth.txt: a bright box on noise, absent for NaN rows."""
    (folder / 'img').mkdir(parents=True)
    noise = np.random.default_rng(0)
    for index, box in enumerate(boxes):
        image = noise.integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
        if np.isfinite(box).all():
            x, y, w, h = (round(value) for value in box)
            image[y:y + h, x:x + w] = (40, 200, 240)
            image[y:y + h // 2, x:x + w // 2] = (200, 30, 90)
        cv2.imwrite(str(folder / 'img' / f'{index + 1:08d}.png'), image)
    lines = [','.join(f'{value:.2f}' for value in box) for box in boxes]
    (folder / 'groundtruth.txt').write_text('\n'.join(lines) + '\n')
    return folder


MOVING = np.array([[4 + 3.0 * i, 10, 16, 12] for i in range(10)])


@pytest.fixture
def trackers():
    return type('Trackers', (), {'Oracle': Oracle, 'Changed': Changed, 'Static': Static,
                                 'said': staticmethod(said)})


@pytest.fixture
def write():
    return write_sequence


@pytest.fixture
def dataset(tmp_path):
    """Two sequences: one plainly moving, one that is absent for two frames."""
    interrupted = MOVING.copy()
    interrupted[[4, 5]] = np.nan
    write_sequence(tmp_path / 'data' / 'moving', MOVING)
    write_sequence(tmp_path / 'data' / 'interrupted', interrupted)
    return tmp_path / 'data'


@pytest.fixture
def sequence(dataset):
    return read_folder(dataset / 'interrupted')


@pytest.fixture
def static(monkeypatch, trackers):
    """Trackers that are built never move."""
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Static())


@pytest.fixture
def oracle(monkeypatch, trackers, sequence):
    """Trackers that are built know the truth."""
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Oracle(sequence.boxes_xywh))
