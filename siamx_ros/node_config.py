"""Every parameter of the node; each default is written here or in :mod:`siamx_ros.config`."""

from __future__ import annotations

from dataclasses import dataclass, field

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.settings import Settings, SettingsError, setting

ROS_OWN = ('use_sim_time', 'start_type_description_service')
"""Parameters that rclpy gives to every node, besides ``qos_overrides.*``."""


def is_of_ros(name: str) -> bool:
    """Whether a parameter is one that every node has."""
    return name in ROS_OWN or name.startswith('qos_overrides.')


@dataclass(frozen=True)
class ImageTopic(Settings):
    """How a node subscribes to its images and reads them."""

    image_transport: str = setting(
        'raw', "'raw' subscribes to image, 'compressed' to image/compressed",
        choices=('raw', 'compressed'))
    image_reliability: str = setting(
        'auto', "'auto' asks for reliable images and switches to best effort when the publisher "
        'offers no more', choices=('auto', 'reliable', 'best_effort'))
    image_encoding_override: str = setting(
        '', 'encoding of raw images to assume instead of what the camera claims; empty for none',
        live=True)


@dataclass(frozen=True)
class NodeConfig(ImageTopic):
    """Parameters of the tracker node."""

    model: ModelConfig = field(default_factory=ModelConfig)
    tracking: TrackerConfig = field(default_factory=TrackerConfig)
    autostart: bool = setting(True, 'configure and activate without a lifecycle manager')
    spread_16_bit: bool = setting(
        True, 'spread 16-bit images to 8 bits where their values use a small part of the range, as '
        'of 10 to 14 bit and thermal cameras; false takes the upper 8 bits', live=True)
    max_rate: float = setting(
        0.0, 'images tracked per second at most, by their stamps; 0 for all', unit='Hz', low=0.0,
        high=240.0, live=True)
    image_timeout: float = setting(
        0.5, 'time without an image until INPUT_STALE', unit='s', low=0.05, high=10.0, live=True)
    detect_frozen_images: bool = setting(
        True, 'images whose bytes are those of the one before count as none, as of a camera that '
        'hangs; false for simulated cameras without noise', live=True)
    max_image_age: float = setting(
        0.0, 'skip images older than this on arrival; 0 for none', unit='s', low=0.0, high=10.0,
        live=True)
    stamp_jump: float = setting(
        0.5, 'stamps that go back by more than this mean a new recording', unit='s', low=0.0,
        high=60.0, live=True)
    buffer_seconds: float = setting(
        3.0, 'images kept for an init with a stamp, such as a box drawn by hand', unit='s',
        low=0.0, high=10.0)
    buffer_max_mb: float = setting(
        256.0, 'memory for these images', unit='MB', low=0.0, high=4096.0)
    init_timeout: float = setting(
        2.0, 'time until an unanswered init is given up', unit='s', low=0.1, high=30.0, live=True)
    min_box_size: float = setting(
        4.0, 'smallest width and height that init accepts', unit='px', low=2.0, high=512.0,
        live=True)
    min_contrast: float = setting(
        2.0, 'smallest contrast of the box with its surroundings that init accepts; 0 for any',
        unit='grey levels', low=0.0, high=50.0, live=True)
    max_targets: int = setting(
        8, 'targets that may be tracked at once, a place for the primary one among them', low=1,
        high=32, live=True)
    stall_timeout: float = setting(
        5.0, 'time that one image may take until the state is ERROR', unit='s', low=0.5, high=60.0,
        live=True)
    publish_uncertain: bool = setting(
        True, 'list the target in ~/detections while it is UNCERTAIN', live=True)
    image_rectified: bool = setting(
        False, 'the images are rectified: P of camera_info holds, without distortion')
    use_depth: bool = setting(False, 'subscribe to a depth image registered to the colour image')
    depth_slop: float = setting(
        0.05, 'a depth image whose stamp differs by no more from that of the colour image belongs '
        'to it: the height of the target is learnt from it', unit='s', low=0.0, high=1.0, live=True)
    depth_max_age: float = setting(
        0.25, 'a depth image whose stamp differs by up to this is used, too, as where depth is '
        'slower than colour; range_stddev grows with the difference', unit='s', low=0.0, high=1.0,
        live=True)
    depth_gate: bool = setting(
        True, 'with use_depth: what is nearer, farther away or larger than the target can be by '
        'now, or has other colours once it was out of sight, is not taken for it', live=True)
    depth_max: float = setting(
        10.0, 'largest depth that counts', unit='m', low=0.1, high=100.0, live=True)
    target_height: float = setting(
        0.0, 'known height of what is boxed, for its range where none was learnt from depth; 0 '
        'for unknown', unit='m', low=0.0, high=10.0, live=True)
    target_height_error: float = setting(
        0.3, 'deviation of target_height, as a share of it: a box drawn by hand holds more or less '
        'than a person, or a torso alone', low=0.0, high=1.0, live=True)
    fallback_hfov: float = setting(
        0.0, 'horizontal field of view without camera_info; 0 for unknown', unit='deg', low=0.0,
        high=170.0, live=True)
    status_rate: float = setting(
        5.0, 'heartbeat of ~/status', unit='Hz', low=1.0, high=50.0)
    debug_rate: float = setting(
        10.0, 'debug images per second at most', unit='Hz', low=0.1, high=60.0, live=True)
    debug_scale: float = setting(
        1.0, 'size of the debug image', low=0.1, high=1.0, live=True)

    def check(self) -> None:
        if self.max_image_age and self.max_image_age < 0.01:
            raise SettingsError(
                f'max_image_age must be 0 (off) or at least 0.01 s, got {self.max_image_age}')
