"""What the renderer draws, and that the truth beside it is true."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from siamx_ros.geometry import BoundingBox
from siamx_ros.simulation.floorplan import Pillar
from siamx_ros.simulation.frame import CameraConfig, CameraFrame
from siamx_ros.simulation.scenario import START_GAP, build_world
from siamx_ros.simulation.world import World

pytest.importorskip('panda3d', reason='panda3d is not installed')
PLAIN = CameraConfig(hfov=75.0, width=320, height=240, noise=0.0, jpeg_quality=0, pitch=0.0)


@pytest.fixture
def take():
    """Takes an image of a world; cameras are closed at the end."""
    from siamx_ros.simulation.camera import SimulatedCamera
    cameras = []

    def shoot(world: World, config: CameraConfig = PLAIN) -> CameraFrame:
        cameras.append(SimulatedCamera(world, config))
        return cameras[-1].take()
    yield shoot
    for camera in cameras:
        camera.close()


def test_the_target_is_where_geometry_puts_it(world: World, take) -> None:
    frame = take(world)
    box = frame.box_of()
    distance = START_GAP - PLAIN.forward
    assert box.centre[0] == pytest.approx(PLAIN.width / 2, abs=6)
    assert box.h == pytest.approx(PLAIN.focal * world.target.height / distance, rel=0.06)
    feet = PLAIN.height / 2 + PLAIN.focal * PLAIN.mount_height / distance
    assert box.corners[3] == pytest.approx(feet, abs=6)
    assert 0.7 < frame.visible_share < 1.5
    assert frame.shown_in(box) == 1


def test_the_target_turns_with_the_robot_and_leaves_the_view(world: World, take) -> None:
    from siamx_ros.simulation.robot import Pose
    pose = world.base.pose
    world.base.pose = Pose(pose.x, pose.y, pose.heading - 0.3)
    box = take(world).box_of()
    aside = PLAIN.width / 2 - PLAIN.focal * math.tan(0.3)
    assert box.centre[0] == pytest.approx(aside, abs=8)
    world.base.pose = Pose(pose.x, pose.y, pose.heading + math.pi)
    frame = take(world)
    assert frame.box_of() is None and frame.visible_share == 0.0
    assert frame.shown_in(BoundingBox(-90, 10, 20, 20)) is None


def test_a_pillar_hides_the_target(world: World, take) -> None:
    pose = world.base.pose
    before = take(world)
    object.__setattr__(world.plan, 'pillars', (Pillar((pose.x, pose.y + START_GAP / 2), 0.3),))
    after = take(world)
    assert before.visible_share > 0.7 and after.visible_share < 0.2
    assert after.shown_in(before.box_of()) == 0


def test_images_are_textured_and_people_look_like_their_clothes(world: World, take) -> None:
    frame = take(world)
    grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
    assert grey.std() > 25 and len(np.unique(grey)) > 100
    box = frame.box_of()
    x, y = (int(v) for v in box.centre)
    shirt = frame.image[y - int(box.h * 0.22):y - int(box.h * 0.1), x - 3:x + 4].mean((0, 1))
    clothes = world.clothes['target']
    worn = np.array(clothes.rucksack or clothes.shirt, float)[::-1]
    cosine = shirt @ worn / np.linalg.norm(shirt) / np.linalg.norm(worn)
    assert cosine > 0.9


def test_depth_is_that_of_geometry(world: World, take) -> None:
    frame = take(world, PLAIN.replace({'depth_noise': 0.0}))
    metres = frame.depth / 1000
    body = metres[(frame.mask == 1) & (frame.depth > 0)]
    middle = START_GAP - PLAIN.forward
    assert np.abs(body - middle).max() < 0.35, 'arms and feet'
    assert middle - 0.2 < np.median(body) < middle, 'the side that is seen'
    rows = np.arange(180, 240, 10) // 2
    floor = PLAIN.mount_height * PLAIN.focal / ((rows + 0.5) * 2 - PLAIN.height / 2)
    assert metres[rows, 5] == pytest.approx(floor, rel=0.03)


def test_depth_has_the_noise_and_the_holes_of_a_stereo_camera(world: World, take) -> None:
    clean, noisy = (take(world, PLAIN.replace({'depth_noise': noise})).depth / 1000.0
                    for noise in (0.0, 0.01))
    near, far = (noisy - clean)[(clean > 1) & (clean < 2)], (noisy - clean)[clean > 4]
    assert near.std() == pytest.approx(0.01 * 1.5 ** 2, rel=0.5)
    assert far.std() > 4 * near.std() and abs(near.mean()) < 0.005
    edge = np.abs(np.diff(clean, axis=1)) > 0.5
    assert (np.minimum(clean[:, 1:], clean[:, :-1])[edge] == 0).all(), 'edges have none'
    short = take(world, PLAIN.replace({'depth_max': 2.5})).depth
    assert 0 < short.max() < 2700 and (short == 0).mean() > (clean == 0).mean() + 0.1


def test_exposure_noise_and_compression(world: World, take) -> None:
    sharp = take(world).image.astype(float)
    noisy = take(world, PLAIN.replace({'noise': 5.0})).image
    assert 3.0 < (noisy - sharp).std() < 6.0
    compressed = take(world, PLAIN.replace({'jpeg_quality': 30})).image
    assert 1.0 < np.abs(compressed - sharp).mean() < 12.0
    world.base.angular = 1.0
    smeared = take(world, PLAIN.replace({'exposure': 0.04})).image.astype(float)

    def detail(image: np.ndarray, axis: int) -> float:
        return np.abs(np.diff(image, axis=axis)).mean()
    assert detail(smeared, 1) < 0.6 * detail(sharp, 1)
    assert detail(smeared, 0) > 0.7 * detail(sharp, 0)


def test_lamps_go_off_and_on_again(world: World) -> None:
    begin, end, factor = world.lighting.dim
    before, during, after = (world.lighting.gains(t).mean()
                             for t in (begin - 0.1, (begin + end) / 2, end + 0.5))
    assert during < 0.95 * before * (factor + 0.2) and after > 0.8 * before


def test_the_same_seed_gives_the_same_bytes(take) -> None:
    images = []
    for _ in range(2):
        world = build_world(5)
        world.run_until(2.0)
        images.append(take(world, CameraConfig(width=320, height=240)).image)
    assert np.array_equal(*images)
