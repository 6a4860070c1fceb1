"""Teachers: boxes in pixels of our patches, whatever patches and grids their networks have."""

import numpy as np
import pytest

from siamx_ros.model.weights import WeightsError
from siamx_ros.settings import SettingsError
from siamx_ros.training.teachers import fear, lighttrack
from siamx_ros.training.teachers.answer import corners, load_graph
from siamx_ros.training.teachers.registry import load_teachers

BOXES = [(100.0, 80.0, 160.0, 170.0), (60.0, 120.0, 90.0, 240.0)]
"""Corners of the red targets in the search patches."""
EXTENTS = [(33.0, 18.0, 93.0, 108.0), (48.0, 10.0, 78.0, 118.0)]
"""The same in the templates: targets of about the sizes above."""


def patch_with(box, side):
    patch = np.full((side, side, 3), 90, np.uint8)
    x0, y0, x1, y1 = np.round(box).astype(int)
    patch[y0:y1, x0:x1] = (0, 0, 250)
    return patch


class SeesRed:
    """Stands for a teacher's network: the score is where red is, the distances are to its sides."""

    def __init__(self, file):
        self.file = file

    def infer(self, inputs):
        if 'template' in self.file or self.file.startswith('z_'):
            return [np.zeros((1, 8, 8, 8), np.float32)]
        if self.file == 'x_feature.xml':
            return [inputs[0]]
        patch = inputs[1][0] if self.file == 'head.xml' else inputs['rgb'][0].transpose(1, 2, 0)
        red = patch[..., 2 if self.file == 'head.xml' else 0] > 180.0
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        grid = np.arange(16) * 16.0
        x, y = np.meshgrid(grid, grid)
        distances = np.stack([x - box[0], y - box[1], box[2] - x, box[3] - y]).astype(np.float32)
        inside = (distances > 0).all(0)
        if self.file == 'head.xml':
            return [inside.astype(np.float32), distances]
        return {'cls': np.where(inside, 5.0, -5.0)[None, None], 'bbox': distances[None]}


@pytest.mark.parametrize('module, kind', [(fear, fear.Fear), (lighttrack, lighttrack.LightTrack)])
def test_boxes_are_those_of_our_patch(monkeypatch, tmp_path, module, kind):
    monkeypatch.setattr(module, 'load_graph', lambda path: SeesRed(path.name))
    teacher = kind(tmp_path)
    templates = np.stack([patch_with(box, 127) for box in EXTENTS])
    searches = np.stack([patch_with(box, 255) for box in BOXES])
    scores, boxes = teacher(templates, searches, np.array(EXTENTS))
    assert scores.shape == (2, 256) and boxes.shape == (2, 256, 4)
    for score, box, wanted in zip(scores, boxes, BOXES):
        np.testing.assert_allclose(box[score.argmax()], wanted, atol=1.5)


def test_corners_are_those_of_the_middles_of_cells():
    distances = np.zeros((1, 4, 16, 16))
    distances[0, :, 9, 10] = 1, 2, 3, 4
    box = corners(distances, 16, 256)[0, 9 * 16 + 10]
    np.testing.assert_allclose(box, (160 - 1, 144 - 2, 160 + 3, 144 + 4))


@pytest.mark.parametrize('spec', ['fear', 'fear:', 'other:folder', ':folder'])
def test_a_teacher_has_a_name_and_a_folder(spec):
    with pytest.raises(SettingsError, match='NAME:FOLDER with NAME fear or lighttrack'):
        load_teachers((spec,))


def test_files_that_are_no_network_are_refused(tmp_path):
    with pytest.raises(WeightsError, match='template.onnx does not exist'):
        load_teachers((f'fear:{tmp_path}',))
    pytest.importorskip('openvino')
    (tmp_path / 'template.onnx').write_bytes(b'no network')
    with pytest.raises(WeightsError, match='cannot be read as a network'):
        load_graph(tmp_path / 'template.onnx')
