"""How images reach the tracker: the node's choice, which the benchmark compares with others."""

from __future__ import annotations

from dataclasses import dataclass

from siamx_ros.node.worker import Worker


@dataclass(frozen=True)
class Wiring:
    """The node uses the defaults.

    Attributes:
        image_depth: history depth of the image subscription.
        worker: class with the methods of :class:`Worker`.
    """

    image_depth: int = 1
    worker: type = Worker
