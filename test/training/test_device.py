"""Patches made in batches on the device are those that OpenCV makes in the loader."""

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from siamx_ros.geometry import BoundingBox
from siamx_ros.training import augment, device, loading
from siamx_ros.training.augment import Placement
from siamx_ros.training.device import Packer
from siamx_ros.training.pairs import PairDataset, render
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.plans import Look, make_plan
from siamx_ros.training.process import Process
from siamx_ros.training.samples import Sample, Target
from siamx_ros.training.train import train

CPU = torch.device('cpu')
CALM = {f'augment.{name}': 0.0 for name in (
    'colour', 'grey', 'blur', 'coarse', 'noise', 'occluder', 'distractor', 'negative', 'backdrop')}


def smooth(height=400, width=500, seed=0):
    """A picture without sharp edges."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (9, 11, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def on_device(image, matrix, side, canvas_side):
    """One patch of the device's path, H x W x 3 float, with the mean colour outside."""
    canvas, moved, size = device.cut_out(image, matrix, side, canvas_side)
    fill = torch.tensor(cv2.mean(image)[:3]).float()[None, :, None, None].expand(1, 3, side, side)
    patch = device.warp(torch.tensor(canvas)[None], torch.tensor(moved)[None],
                        torch.tensor(size)[None], side, fill)
    return patch[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize('place', [
    Placement(1.0, 1.0, 0.0, 0.0, 0.0), Placement(0.31, 0.42, 0.0, 30.3, -20.6),
    Placement(-0.6, 0.8, 0.2, 60.0, 5.0), Placement(1.7, 1.5, -0.2, -50.0, 62.0),
    Placement(-1.3, 1.1, 0.15, 64.0, 64.0), Placement(2.6, 2.2, 0.1, -8.0, 12.0),
    Placement(6.3, 5.1, 0.0, 10.0, 10.0)])
@pytest.mark.parametrize('target', [BoundingBox(210, 150, 80, 60), BoundingBox(-20, 330, 60, 90)])
def test_geometry_is_that_of_opencv(place, target):
    image, packer = smooth(), Packer(12.0)
    expected = augment.cut(image, target, place, 255).astype(np.float64)
    matrix = place.matrix(target, 255)
    patch = on_device(image, matrix, 255, packer.search_side)
    inside = patch_inside(image, matrix)
    assert np.abs(patch - expected)[inside].mean() < 1.0
    assert np.abs(patch - expected).mean() < 1.0
    moved = on_device(image, matrix + [[0, 0, 2.0], [0, 0, 0]], 255, packer.search_side)
    assert np.abs(moved - expected)[inside].mean() > 1.2 * np.abs(patch - expected)[inside].mean()


def patch_inside(image, matrix):
    """Which pixels of the patch lie well inside the image."""
    y, x = np.mgrid[:255, :255]
    places = matrix @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    limit = np.array(image.shape[1::-1])[:, None]
    edge = 4 * np.hypot(*matrix[:, 0])
    return ((places > edge) & (places < limit - edge)).all(0).reshape(255, 255)


def test_a_patch_off_the_image_is_its_mean():
    image = smooth()
    matrix = Placement(1.0, 1.0, 0.0, 0.0, 0.0).matrix(BoundingBox(5000, 5000, 40, 40), 255)
    patch = on_device(image, matrix, 255, Packer(12.0).search_side)
    np.testing.assert_allclose(patch, np.broadcast_to(cv2.mean(image)[:3], patch.shape), atol=1e-3)


def both(changes, tiny_config, seed=0):
    """The patches of one plan, from OpenCV and from the device, as H x W x 3 float."""
    config = tiny_config.replace({**CALM, **changes}).augment
    picture, other = smooth(), smooth(300, 260, seed=5)
    target = Target(lambda: picture, BoundingBox(200, 150, 90, 70))
    foreign = Target(lambda: other, BoundingBox(60, 80, 120, 100))
    plan = make_plan(Sample(target, target, True), foreign, np.random.default_rng(seed), config)
    template, search, *_ = render(plan)
    z, x, box, _, extent = device.assemble(default_collate([Packer(12.0)(plan)]), CPU)
    np.testing.assert_array_equal(box[0].numpy(), plan.box)
    np.testing.assert_array_equal(extent[0].numpy(), plan.extent)
    return [(a.astype(float), b[0].permute(1, 2, 0).numpy())
            for a, b in ((template, z), (search, x))]


@pytest.mark.parametrize('changes', [
    {}, {'augment.colour': 0.25}, {'augment.grey': 1.0}, {'augment.blur': 1.0},
    {'augment.coarse': 1.0}, {'augment.compression': 1.0}, {'augment.still_bend': 0.1},
    {'augment.coarse': 1.0, 'augment.compression': 1.0}, {'augment.occluder': 1.0},
    {'augment.distractor': 1.0}, {'augment.backdrop': 1.0}],
    ids=lambda changes: ''.join(changes) or 'cut')
def test_looks_are_those_of_opencv(changes, tiny_config):
    for seed in range(4):
        for expected, patch in both(changes, tiny_config, seed):
            # the coarse picture decides what is rounded up
            limit = 1.6 if len(changes) < 2 else 3.0
            assert np.abs(expected - patch).mean() < limit, seed


def test_noise_is_of_its_strength_and_its_own(tiny_config):
    (clean, _), _ = both({}, tiny_config)
    patch = torch.zeros(3, 3, 255, 255)
    batch = {name: torch.tensor(np.stack([value] * 3)) for name, value in device._look(
        Look(noise=8.0, noise_seed=7), 255).items()}
    batch['noise_seed'][1] = 8
    named = {f'x_{name}': value for name, value in batch.items()}
    noisy = device._alter(patch + 128, named, named, 'x')
    assert noisy[0].std().item() == pytest.approx(8, rel=0.03)
    assert noisy[0].equal(noisy[2]) and not noisy[0].equal(noisy[1])
    assert clean.shape == (127, 127, 3)


def test_a_pair_is_made_alike_alone_and_in_a_batch(data, tiny_config):
    """Each at its own resolution and quality, with its own blur and noise."""
    config = tiny_config.replace({
        'augment.coarse': 0.7, 'augment.compression': 0.5, 'augment.blur': 0.5,
        'augment.noise': 0.5})
    dataset = PairDataset(read_pictures(data, config), config, length=12, seed=3,
                          finish=Packer(config.augment.still_rotation))
    pairs = [dataset[i] for i in range(12)]
    assert len({int(pair['x_quality']) for pair in pairs}) > 3
    together = device.assemble(default_collate(pairs), CPU)
    for i, pair in enumerate(pairs):
        for one, all_of_them in zip(device.assemble(default_collate([pair]), CPU), together):
            torch.testing.assert_close(one[0], all_of_them[i], atol=0.05, rtol=0, equal_nan=True)


def test_every_packed_pair_has_the_same_shapes(data, tiny_config):
    config = tiny_config.replace({'augment.backdrop': 0.5, 'augment.blur': 0.5})
    dataset = PairDataset(read_pictures(data, config), config, length=24, seed=1,
                          finish=Packer(config.augment.still_rotation))
    batch = default_collate([dataset[i] for i in range(24)])
    template, search, boxes, *_ = device.assemble(batch, CPU)
    assert template.shape == (24, 3, 127, 127) and search.shape == (24, 3, 255, 255)
    assert search.isfinite().all() and 0 <= search.min() and search.max() <= 255
    assert boxes.shape == (24, 4)


def test_both_ways_show_the_same_pairs(data, tiny_config):
    """The same seed gives the same targets in the same places, whoever cuts them."""
    config = tiny_config.replace({'augment.noise': 0.0, 'steps': 3, 'batch': 4})
    content, batches = loading.read_data(data, config), []
    for cropping in ('loader', 'device'):
        chosen = config.replace({'cropping': cropping})
        loader = loading.training_loader(content, chosen, Process(0, 1, CPU), 0)
        batches.append([loading.to_inputs(batch, CPU) for batch in loader])
    for (z, x, boxes, *rest), (z_too, x_too, boxes_too, *rest_too) in zip(*batches):
        assert all(one.equal(other) for one, other in zip(rest, rest_too, strict=True))
        torch.testing.assert_close(boxes, boxes_too, equal_nan=True)
        assert (z - z_too).abs().mean() < 6 and (x - x_too).abs().mean() < 6


def test_training_with_crops_on_the_device_resumes_exactly(
        data, tiny_config, tmp_path, interrupted):
    config = tiny_config.replace({'cropping': 'device', 'steps_per_epoch': 3})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, 'VALIDATION_PAIRS', 4)
        train(data, tmp_path / 'whole', config, device='cpu')
        interrupted(data, tmp_path / 'two', config)
        train(data, tmp_path / 'two', config, device='cpu', resume=True)
    whole, resumed = (torch.load(tmp_path / name / 'last.pt', weights_only=True)
                      for name in ('whole', 'two'))
    assert whole['step'] == resumed['step'] == 6
    assert all(value.equal(resumed['network'][name]) for name, value in whole['network'].items()
               if not name.endswith('num_batches_tracked'))
    assert (tmp_path / 'two' / 'curves.png').stat().st_size > 10000


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_the_gpu_makes_what_the_cpu_makes(data, tiny_config):
    config = tiny_config.replace({'augment.noise': 0.0})
    dataset = PairDataset(read_pictures(data, config), config, length=8, seed=1,
                          finish=Packer(config.augment.still_rotation))
    batch = default_collate([dataset[i] for i in range(8)])
    for here, there in zip(device.assemble(batch, CPU), device.assemble(batch, 'cuda')):
        torch.testing.assert_close(here, there.cpu(), atol=0.5, rtol=0.01, equal_nan=True)
