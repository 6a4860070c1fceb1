"""The tracker node in a process of its own, and a camera and client beside it."""

from __future__ import annotations

import argparse
from array import array
import os
from pathlib import Path
import time

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage

from siamx_ros.client.node_process import NodeDied, NodeProcess
from siamx_ros.client.probe import START_PATIENCE, Probe, init_request, stamp
from siamx_ros.geometry import BoundingBox

NOISE, JPEG_QUALITY = 4.0, 85
"""Of the picture: deviation in grey levels, and how it is packed."""
NAMESPACE = '/siamx_benchmark'


class Bench:
    """The node, and a probe beside it.

    Args:
        args: of the benchmark: weights, device, and whether images are JPEG files.
        folder: for the node's log and parameters.
    """

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        parameters = {'image_transport': 'compressed' if args.jpeg else 'raw',
                      'model': {'weights': args.weights, 'device': args.device},
                      'image_timeout': 10.0, 'detect_frozen_images': False}
        self.process = NodeProcess(folder, parameters, {'__ns': NAMESPACE})
        self.probe = Probe(f'{NAMESPACE}/siamx_tracker', f'{NAMESPACE}/image', qos=10,
                           check=self.process.check)
        self._files = self.probe.node.create_publisher(
            CompressedImage, f'{NAMESPACE}/image/compressed', 10) if args.jpeg else None
        self._file: CompressedImage | None = None

    def __enter__(self) -> Bench:
        self.process.__enter__()
        return self

    def __exit__(self, *details) -> None:
        self.process.__exit__(*details)
        self.probe.close()

    def start(self, image: np.ndarray) -> int:
        """Give the node a target on an image; returns the node's process number.

        Raises:
            NodeDied: it does not take images, or refuses the target.
        """
        camera = self._files or self.probe.camera
        if not self.probe.wait(lambda: camera.get_subscription_count() > 0
                               and self.probe.heard['status'], START_PATIENCE):
            raise NodeDied(f'the node does not listen{self.process.last_words()}')
        height, width = image.shape[:2]
        box = BoundingBox.from_centre(width / 2, height / 2, width / 8, height / 6)

        def show() -> None:
            self.publish(image, time.time_ns())
        show()
        answer = self.probe.init(init_request(box), again=show)
        if not answer.success:
            raise NodeDied(f'the node refuses the target: {answer.message}')
        return self.process.pid

    def publish(self, image: np.ndarray, stamp_ns: int) -> None:
        """Send the image, always the same one, with a stamp; as a JPEG file, it is packed once."""
        if self._files is None:
            self.probe.publish(image, stamp_ns)
            return
        if self._file is None:
            data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
            self._file = CompressedImage(format='jpeg', data=array('B', data.tobytes()))
        self._file.header.stamp = stamp(stamp_ns)
        self._files.publish(self._file)


def picture(width: int, height: int) -> np.ndarray:
    """A textured image with the noise of a camera, height x width x 3 BGR."""
    random = np.random.default_rng(1)
    blocks = random.integers(0, 255, (height // 40, width // 40, 3), np.uint8)
    noise = random.normal(0, NOISE, (height, width, 3))
    return np.clip(np.kron(blocks, np.ones((40, 40, 1))) + noise, 0, 255).astype(np.uint8)


def processor_seconds(pid: int) -> float:
    """What a process and its threads have used of the processors so far; NaN but on Linux."""
    try:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return float('nan')
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
