"""Writing bags without ROS: a sequence as a recording, and what a tracker said about one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np

from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.imaging import decode_image, read_image
from siamx_ros.messages.conversions import without_exif

START_NS = 1_700_000_000 * 10**9
"""Stamp of a written recording's first image."""
JPEG_SUFFIXES = ('.jpg', '.jpeg')


class BagWriter:
    """A new bag; use it in a ``with`` statement.

    Args:
        storage: 'mcap' or 'sqlite3'.

    Raises:
        InputError: the folder exists, cannot be made, or the storage is unknown.
    """

    def __init__(self, path: str | Path, storage: str = 'mcap') -> None:
        store = messages.typestore()
        from rosbags.rosbag2 import StoragePlugin, Writer, WriterError
        plugins = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
        if storage not in plugins:
            raise InputError(f'storage must be mcap or sqlite3, got {storage!r}')
        self._store = store
        try:
            self._writer = Writer(Path(path), version=9, storage_plugin=plugins[storage])
            self._writer.open()
        except (WriterError, OSError) as error:
            raise InputError(f'cannot write a bag to {path}: {error}') from None
        self._connections: dict[str, Any] = {}

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add_topic(self, topic: str, kind: str) -> None:
        """Announce a topic, also if no message follows."""
        self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self._store)

    def write(self, topic: str, time: int, message: Any) -> None:
        """Write one message of an announced topic at a time in nanoseconds."""
        connection = self._connections[topic]
        self._writer.write(
            connection, time, self._store.serialize_cdr(message, connection.msgtype))


def write_sequence(path: str | Path, sequence: Sequence, *, storage: str = 'mcap',
                   compressed: bool = True, fps: float = 30.0, image_topic: str = '/camera/image',
                   truth_topic: str = '/ground_truth', frame_id: str = 'camera') -> None:
    """Write a sequence as a recording: its images, and its boxes as detections.

    Args:
        sequence: frames and boxes; a frame with no box gets an empty list of detections.
        compressed: whether JPEG files go in as they are; otherwise raw bgr8.
        fps: images a second.
        image_topic: '/compressed' is added for compressed images.
        truth_topic: '' writes no ground truth.

    Raises:
        InputError: the bag cannot be written, or an image cannot be read.
    """
    kind = messages.IMAGE_TYPES[int(compressed)]
    topic = f'{image_topic}/compressed' if compressed else image_topic
    with BagWriter(path, storage) as writer:
        writer.add_topic(topic, kind)
        if truth_topic:
            writer.add_topic(truth_topic, messages.DETECTIONS)
        for index, file in enumerate(sequence.frame_paths):
            stamp = START_NS + round(index * 1e9 / fps)
            message = (_compressed if compressed else _raw)(file, stamp, frame_id)
            writer.write(topic, stamp, message)
            if truth_topic:
                boxes = list(_detections(sequence.boxes_xywh[index], stamp, frame_id))
                writer.write(truth_topic, stamp,
                             messages.detections_message(stamp, frame_id, boxes))


def _detections(xywh: np.ndarray, stamp: int, frame_id: str) -> Iterator[Any]:
    if np.isfinite(xywh).all():
        yield messages.detection_message(stamp, frame_id, tuple(xywh), 1.0, 'target')


def _raw(file: Path, stamp: int, frame_id: str) -> Any:
    image = read_image(file)
    height, width = image.shape[:2]
    return messages.typestore().types[messages.IMAGE_TYPES[0]](
        header=messages.header(stamp, frame_id), height=height, width=width, encoding='bgr8',
        is_bigendian=0, step=3 * width, data=image.reshape(-1))


def _is_turned(data: bytes) -> bool:
    """Whether EXIF data turn a JPEG file, which they do not in a message."""
    return without_exif(data) != data and not np.array_equal(
        decode_image(data), decode_image(data, turned=False))


def _compressed(file: Path, stamp: int, frame_id: str) -> Any:
    data, name = file.read_bytes(), 'jpeg'
    if file.suffix.lower() not in JPEG_SUFFIXES or _is_turned(data):
        import cv2
        data, name = cv2.imencode('.png', read_image(file))[1].tobytes(), 'png'
    return messages.typestore().types[messages.IMAGE_TYPES[1]](
        header=messages.header(stamp, frame_id), format=name,
        data=np.frombuffer(data, np.uint8))
