"""A stand-in for the tracker node with the same topics and service: it follows red things.

Modes, as the first argument: `follow`, `die` (exits with status 3 at the 20th image), `refuse`
(answers every init with BBOX_TOO_SMALL), `exit` (ends at once).
"""

import math
import os
import sys

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image

from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.qos import latched
from siamx_ros.srv import InitTarget

UNSEEN, TRACKING, LOST = 0, 2, 4


class ColourNode(Node):

    def __init__(self, mode):
        super().__init__('siamx_tracker')
        self.mode, self.images, self.seq, self.state, self.newest = mode, 0, 0, UNSEEN, None
        self.target = self.create_publisher(TrackedTarget, '~/target', 1)
        self.status = self.create_publisher(TrackerStatus, '~/status', latched())
        self.status.publish(TrackerStatus())
        self.create_subscription(Image, 'image', self.on_image, 1)
        self.create_service(InitTarget, '~/init', self.on_init)

    def on_init(self, request, response):
        if self.mode == 'refuse':
            response.error_code, response.message = response.BBOX_TOO_SMALL, 'the box is too small'
        elif self.newest is None:
            response.error_code, response.message = response.NO_IMAGE, 'no image yet'
        else:
            response.success, response.confidence = True, 1.0
            response.bbox = request.bbox
            self.change(TRACKING, self.newest, reason=1)
        return response

    def change(self, state, header, reason=3):
        if state != self.state:
            self.seq += 1
            message = TrackerStatus(header=header, state=state, previous_state=self.state,
                                    reason=reason, seq=self.seq)
            self.state = state
            self.status.publish(message)

    def on_image(self, image):
        self.images += 1
        self.newest = image.header
        if self.mode == 'die' and self.images >= 20:
            print('the network caught fire', flush=True)
            sys.exit(3)
        pixels = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width, 3)
        box = None if self.state == UNSEEN else self.find(pixels)
        if self.state != UNSEEN:
            self.change(LOST if box is None else TRACKING, image.header)
        self.seq += 1
        message = TrackedTarget(header=image.header, state=self.state, valid=box is not None,
                                box_source=int(box is not None), seq=self.seq, latency=0.01)
        message.confidence = 0.1 if box is None else 0.9
        x, y, w, h = box or (math.nan,) * 4
        message.bbox.center.position.x, message.bbox.center.position.y = x + w / 2, y + h / 2
        message.bbox.size_x, message.bbox.size_y = float(w), float(h)
        self.target.publish(message)

    @staticmethod
    def find(pixels):
        blue, green, red = (pixels[..., k].astype(int) for k in range(3))
        mask = ((red > 110) & (green < 60) & (blue < 50)).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        best = max(stats[1:], key=lambda row: row[4], default=None)
        return None if best is None or best[4] < 1500 else tuple(map(float, best[:4]))


if __name__ == '__main__':
    if sys.argv[1] == 'exit':
        sys.exit('no such model')
    print('process', os.getpid(), flush=True)
    rclpy.init()
    rclpy.spin(ColourNode(sys.argv[1]))
