"""SiamX target tracking for robots.

    >>> from siamx_ros import BoundingBox, load_tracker            # doctest: +SKIP
    >>> tracker = load_tracker()                                   # doctest: +SKIP
    >>> tracker.init(first_image, BoundingBox(x, y, w, h))         # doctest: +SKIP
    >>> result = tracker.update(next_image)                        # doctest: +SKIP
    >>> result.box, result.confidence, result.state                # doctest: +SKIP

Images are H x W x 3 uint8 arrays in BGR order, boxes are pixels. Importing this package loads
neither torch nor ROS; the names below are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    'BoundingBox': 'siamx_ros.geometry',
    'InputError': 'siamx_ros.errors',
    'ModelConfig': 'siamx_ros.config',
    'MultiTracker': 'siamx_ros.tracking.multi_tracker',
    'TrackResult': 'siamx_ros.records',
    'TrackState': 'siamx_ros.records',
    'Tracker': 'siamx_ros.tracking.tracker',
    'TrackerConfig': 'siamx_ros.config',
    'load_tracker': 'siamx_ros.tracking.from_weights',
}

__all__ = sorted(_HOMES)
__version__ = '0.1.0'


def __getattr__(name: str):
    """Load a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
