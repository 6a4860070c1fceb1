"""The tracker node with other choices of queue and thread, for the benchmark to compare."""

from __future__ import annotations

import os
import sys

from siamx_ros.ros.tracker_node import main
from siamx_ros.ros.wiring import InlineWorker, Wiring
from siamx_ros.ros.worker import Worker

THREADS = {'worker': Worker, 'callback': InlineWorker}
VARIABLE = 'SIAMX_ROS_BENCHMARK_WIRING'
"""'thread:depth', as from the benchmark; ROS arguments leave no room for others."""

if __name__ == '__main__':
    thread, _, depth = os.environ.get(VARIABLE, 'worker:1').partition(':')
    sys.exit(main(wiring=Wiring(image_depth=int(depth), worker=THREADS[thread])))
