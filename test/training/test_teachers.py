"""Teachers: boxes in pixels of our patches, by whom they are believed, what soft targets change."""

import numpy as np
import pytest
import torch

from siamx_ros.config import NetworkConfig
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError
from siamx_ros.settings import SettingsError
from siamx_ros.training.distillation import Distillation, SoftTargets
from siamx_ros.training.labels import centre_labels, soft_centre_labels
from siamx_ros.training.step import LossModule
from siamx_ros.training.teachers import fear, lighttrack
from siamx_ros.training.teachers.answer import Answer, corners, load_graph
from siamx_ros.training.teachers.registry import load_teachers

BOXES = [(100.0, 80.0, 160.0, 170.0), (60.0, 120.0, 90.0, 240.0)]
"""Corners of the red targets in the search patches."""
EXTENTS = [(33.0, 18.0, 93.0, 108.0), (48.0, 4.0, 78.0, 124.0)]
"""The same in the templates of one scale with them."""


def shrunk(boxes, zoom, side):
    """Boxes around the middle of a patch, ``zoom`` times as far away from it and as large."""
    return [tuple((np.array(box) - side / 2) * zoom + side / 2) for box in boxes]


def patch_with(box, side):
    patch = np.full((side, side, 3), 90, np.uint8)
    x0, y0, x1, y1 = np.round(box).astype(int)
    patch[y0:y1, x0:x1] = (0, 0, 250)
    return patch


class SeesRed:
    """Stands for a teacher's network: the score is where red is, the distances are to its sides.

    Attributes:
        shown: share of the patch that the target takes in each search.
    """

    def __init__(self, file):
        self.file, self.shown = file, []

    def infer(self, inputs):
        if 'template' in self.file or self.file.startswith('z_'):
            return [np.zeros((1, 8, 8, 8), np.float32)]
        if self.file == 'x_feature.xml':
            return [inputs[0]]
        patch = inputs[1][0] if self.file == 'head.xml' else inputs['rgb'][0].transpose(1, 2, 0)
        red = patch[..., 2 if self.file == 'head.xml' else 0] > 180.0
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        self.shown.append(np.sqrt(len(columns) * len(rows)) / len(red))
        grid = np.arange(16) * 16.0
        x, y = np.meshgrid(grid, grid)
        distances = np.stack([x - box[0], y - box[1], box[2] - x, box[3] - y]).astype(np.float32)
        inside = (distances > 0).all(0)
        if self.file == 'head.xml':
            return [inside.astype(np.float32), distances]
        return {'cls': np.where(inside, 5.0, -5.0)[None, None], 'bbox': distances[None]}


@pytest.mark.parametrize('zoom', [1.0, 0.5622])
@pytest.mark.parametrize('module, kind', [(fear, fear.Fear), (lighttrack, lighttrack.LightTrack)])
def test_boxes_are_those_of_our_patch(monkeypatch, tmp_path, module, kind, zoom):
    """And what it searches shows as much around the target as it is used to."""
    monkeypatch.setattr(module, 'load_graph', lambda path: SeesRed(path.name))
    teacher, wanted = kind(tmp_path), shrunk(BOXES, zoom, 255)
    templates = np.stack([patch_with(box, 127) for box in EXTENTS])
    searches = np.stack([patch_with(box, 255) for box in wanted])
    scores, boxes = teacher(templates, searches, np.array(EXTENTS), zoom)
    assert scores.shape == (2, 256) and boxes.shape == (2, 256, 4)
    for score, box, known in zip(scores, boxes, wanted):
        np.testing.assert_allclose(box[score.argmax()], known, atol=1.5)
    network = teacher._head if module is lighttrack else teacher._search
    usual = [0.25, 0.22] if module is lighttrack else [0.2, 0.2]
    np.testing.assert_allclose(network.shown, usual, atol=0.03)


@pytest.mark.parametrize('backbone, zoom', [('light', 1.0), ('fbnet', 255 / 5 / (127 / 1.4))])
def test_teachers_are_told_how_much_larger_templates_are(tiny_config, backbone, zoom):
    told = []

    def teacher(templates, searches, extents, zoom):
        told.append(zoom)
        return Answer(np.zeros((3, 1)), np.zeros((3, 1, 4)))
    network = NetworkConfig.mobile() if backbone == 'fbnet' else tiny_config.network
    config = tiny_config.replace({'network': network.to_dict()})
    Distillation([teacher], config)(*PATCHES, KNOWN, SHOWN)
    assert told == [pytest.approx(zoom)]


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
    with pytest.raises(WeightsError, match='cannot be read as a network: Unable to') as refusal:
        load_graph(tmp_path / 'template.onnx')
    assert '\n' not in str(refusal.value) and 'src/' not in str(refusal.value)


KNOWN = torch.tensor([[100., 90., 150., 170.], [60., 60., 120., 110.], [float('nan')] * 4])
PATCHES = torch.zeros(3, 3, 127, 127), torch.zeros(3, 3, 255, 255)
SHOWN = torch.tensor([[40., 30., 80., 90.]]).repeat(3, 1)


def teacher(shift: float, score: float):
    """Says of every pair that the target is where the first two are, ``shift`` to the right."""
    boxes = torch.nan_to_num(KNOWN, nan=50.0).numpy() + np.array([shift, 0, shift, 0])

    def answer(templates, searches, extents, zoom):
        assert templates.dtype == searches.dtype == np.uint8 and searches.shape[1:] == (255, 255, 3)
        scores = np.stack([np.full(3, score), np.full(3, 0.01)], 1)
        return Answer(scores, np.stack([boxes, boxes + 60], 1))
    return answer


def test_soft_labels_are_the_best_of_what_lies_near():
    rng = np.random.default_rng(0)
    corners = rng.uniform(20, 120, (2, 40, 4))
    corners[..., 2:] += 60
    boxes = torch.tensor(corners)
    scores = torch.tensor(rng.uniform(0, 1, (2, 40)))
    found = soft_centre_labels(scores, boxes, 25, 255)
    for pair in range(2):
        expected = torch.zeros(25, 25)
        for best in scores[pair].argsort(descending=True)[:24]:
            label = centre_labels(boxes[pair, best][None], 25, 255)[0]
            expected = torch.maximum(expected, label * scores[pair, best])
        torch.testing.assert_close(found[pair], expected, check_dtype=False)


def test_a_teacher_counts_where_it_finds_the_known_box(tiny_config):
    soft = Distillation([teacher(4.0, 0.9)], tiny_config)(*PATCHES, KNOWN, SHOWN)
    torch.testing.assert_close(
        soft.corners[:2], KNOWN[:2] + torch.tensor([4., 0., 4., 0.]), rtol=0, atol=1e-4)
    assert soft.centres[:2].amax((1, 2)).tolist() == pytest.approx([0.9, 0.9])
    assert soft.corners[2].isnan().all() and soft.centres[2].isnan().all()
    astray = Distillation([teacher(90.0, 0.9)], tiny_config)(*PATCHES, KNOWN, SHOWN)
    assert astray.corners.isnan().all() and astray.centres.isnan().all()


def test_teachers_count_by_how_sure_they_are(tiny_config):
    teachers = [teacher(0.0, 0.75), teacher(8.0, 0.25), teacher(200.0, 1.0)]
    soft = Distillation(teachers, tiny_config)(*PATCHES, KNOWN, SHOWN)
    torch.testing.assert_close(
        soft.corners[:2], KNOWN[:2] + torch.tensor([2., 0., 2., 0.]), rtol=0, atol=1e-4)


def test_known_targets_give_way_by_the_share(tiny_config):
    """No share, or no teacher, leaves the loss as it was; a whole share replaces the box."""
    torch.manual_seed(0)
    network, scenes = SiamXNet(tiny_config.network).eval(), torch.arange(6).reshape(3, 2)
    inputs = (torch.rand(3, 3, 127, 127) * 255, torch.rand(3, 3, 255, 255) * 255)

    def loss(share, boxes, soft=None):
        module = LossModule(network, tiny_config.replace({'teacher_weight': share}))
        return module(*inputs, boxes, scenes, soft)
    moved = KNOWN + 16
    soft = SoftTargets(centre_labels(moved, 25, 255), moved)
    nothing = SoftTargets(soft.centres * torch.nan, soft.corners * torch.nan)
    plain = loss(0.5, KNOWN)
    assert loss(0.5, KNOWN, nothing) == plain and loss(0.0, KNOWN, soft) == plain
    assert loss(0.5, KNOWN, soft).regression != plain.regression
    torch.testing.assert_close(loss(1.0, KNOWN, soft), loss(1.0, moved))
