"""Calibration and depth for a node, and a target at a known place."""

from __future__ import annotations

import math

import numpy as np
from sensor_msgs.msg import CameraInfo, Image

from siamx_ros.client.probe import stamp
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.conversions import fill_image
from siamx_ros.msg import TrackedTarget as T

BOX = BoundingBox(90, 20, 20, 40)
"""Centre (100, 40) in 160x120 images."""
FOCAL = 200.0


def with_info(rig):
    """Give a rig a publisher of camera_info."""
    rig.info = rig.probe.node.create_publisher(CameraInfo, f'{rig.namespace}/camera_info', 1)
    assert rig.probe.wait(rig.info.get_subscription_count)
    return rig


def with_depth(rig):
    """Give a rig a publisher of depth."""
    rig.depth = rig.probe.node.create_publisher(Image, f'{rig.namespace}/depth', 1)
    assert rig.probe.wait(rig.depth.get_subscription_count)
    return rig


def calibrate(rig, *, distortion=(), model='plumb_bob', width=160, height=120, focal=FOCAL,
              rectified_focal=0.0, frame_id='camera_optical_frame', binning=0) -> None:
    """Publish camera_info; P is left empty without a rectified_focal."""
    info = CameraInfo(width=width, height=height, distortion_model=model, d=list(distortion),
                      binning_x=binning, binning_y=binning)
    info.header.frame_id = frame_id
    info.k = [focal, 0.0, width / 2 - 0.5, 0.0, focal, height / 2 - 0.5, 0.0, 0.0, 1.0]
    if rectified_focal:
        info.p = [rectified_focal, 0.0, 79.5, 0.0, 0.0, rectified_focal, 59.5, 0.0,
                  0.0, 0.0, 1.0, 0.0]
    rig.info.publish(info)


def until(rig, condition, **how):
    """Show images until the target message fulfils a condition."""
    for _ in range(100):
        target = rig.show(**how)
        if condition(target):
            return target
    raise AssertionError(f'never fulfilled, last: {target}')


def seen(rig, condition=lambda target: math.isfinite(target.bearing), box=BOX, **how):
    rig.show()
    assert rig.init(box).success
    calibrate(rig, **how)
    return until(rig, condition)


def publish_depth(rig, depth: np.ndarray, encoding: str, moment: int,
                  frame_id: str = 'camera_optical_frame') -> None:
    """Publish depth of a moment, nanoseconds, and give the node time to take it."""
    message = Image()
    fill_image(message, depth.view(np.uint8), encoding)
    message.width, message.step = depth.shape[1], depth.strides[0]
    message.header.stamp = stamp(moment)
    message.header.frame_id = frame_id
    rig.depth.publish(message)
    assert rig.trigger('start').success


def show_depth(rig, depth: np.ndarray, encoding: str,
               frame_id: str = 'camera_optical_frame') -> T:
    """Publish depth and image of one moment until the node has seen both."""
    for _ in range(3):
        publish_depth(rig, depth, encoding, rig.next_stamp(), frame_id)
        target = rig.show(step=0)
    return target
