"""The tracker node in its own process over real DDS, and a probe that plays camera and operator."""

from __future__ import annotations

from itertools import count
from pathlib import Path
import signal
import sys
import time

import numpy as np
import pytest

from siamx_ros.client.node_process import TRACKER_NODE, NodeProcess
from siamx_ros.geometry import BoundingBox

SCRIPTED_NODE = (sys.executable, str(Path(__file__).with_name('scripted_node.py')))
BOX = BoundingBox(60, 40, 40, 32)
PATIENT = {'image_timeout': 10.0, 'detect_frozen_images': False}
"""A busy machine must not make images seem missing; what is shown is often the same."""
_numbers = count()


class Rig(NodeProcess):
    """A node process in a namespace of its own, with a probe."""

    def __init__(self, folder: Path, parameters: dict, command, name: str = '') -> None:
        self.namespace = name or f'/rig{next(_numbers)}'
        super().__init__(folder, {**PATIENT, **parameters}, {'__ns': self.namespace}, command)
        self.clock_ns = time.time_ns()
        self.probe, self._found = None, []

    def __enter__(self) -> Rig:
        from siamx_ros.client.probe import LATCHED, Probe
        from siamx_ros.msg import TrackerStatus
        tracker = f'{self.namespace}/siamx_tracker'
        self.probe = Probe(tracker, f'{self.namespace}/image')
        for name, kind in services().items():
            self.probe.client(kind, name)
        self.probe.node.create_subscription(
            TrackerStatus, f'{tracker}/status', self._found.append, LATCHED)
        super().__enter__()
        return self

    def __exit__(self, *details) -> None:
        super().__exit__(*details)
        self.probe.close()

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding='utf-8', errors='replace')

    def up(self) -> Rig:
        """Wait until the node is there and all of its services know the probe."""
        assert self.probe.wait(lambda: self._found, 90.0), self.log
        return self

    def ready(self) -> Rig:
        """Wait until the node takes images, too."""
        assert self.up().probe.ready(90.0), self.log
        return self

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self, number: int = signal.SIGINT, patience: float = 10.0) -> int:
        """Send a signal; returns the exit status."""
        self.send_signal(number)
        return self._process.wait(patience)

    def next_stamp(self, step: float = 1 / 30) -> int:
        self.clock_ns += round(step * 1e9)
        return self.clock_ns

    def show(self, image=None, *, step: float = 1 / 30, **how):
        """Publish an image and return the target message that answers it."""
        stamp = self.next_stamp(step)
        self.probe.publish(scene() if image is None else image, stamp, **how)
        answer = self.probe.answer(stamp)
        assert answer is not None, f'no answer to an image; {self.last_words()}'
        return answer

    def occupy(self, image) -> int:
        """Publish an image that takes a while and wait until that has begun; returns its stamp."""
        from scripted_node import BUSY
        begun = self.log.count(BUSY)
        self.probe.publish(image, self.next_stamp())
        assert self.probe.wait(lambda: self.log.count(BUSY) > begun), self.last_words()
        return self.clock_ns

    def init(self, box: BoundingBox | None = BOX, stamp_ns: int = 0, **fields):
        """Call ~/init; returns the response."""
        from siamx_ros.client.probe import init_request
        from siamx_ros.srv import InitTarget
        request = init_request(box, stamp_ns, **fields)
        return self.probe.call(InitTarget, 'init', request)

    def started(self, **fields):
        """Show an image and give its target; returns the response."""
        self.show()
        answer = self.init(**fields)
        assert answer.success, answer.message
        return answer

    def trigger(self, name: str):
        """Call a Trigger service."""
        from std_srvs.srv import Trigger
        return self.probe.call(Trigger, name, Trigger.Request())

    def enable(self, on: bool):
        from std_srvs.srv import SetBool
        return self.probe.call(SetBool, 'set_enabled', SetBool.Request(data=on))

    def transition(self, name: str) -> bool:
        """Ask for a lifecycle transition."""
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState
        number = getattr(Transition, f'TRANSITION_{name.upper()}')
        request = ChangeState.Request(transition=Transition(id=number))
        return self.probe.call(ChangeState, 'change_state', request, 60.0).success

    def set_parameters(self, **values):
        """Set parameters (``__`` for the dot), all or none; returns the result."""
        from rcl_interfaces.srv import SetParametersAtomically
        from rclpy.parameter import Parameter
        request = SetParametersAtomically.Request(parameters=[
            Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
            for name, value in values.items()])
        return self.probe.call(
            SetParametersAtomically, 'set_parameters_atomically', request).result

    def status(self, state: int, patience: float = 20.0):
        """Wait until the newest status says a state; returns that status."""
        heard = self.probe.heard['status']
        assert self.probe.wait(lambda: heard and heard[-1].state == state, patience), (
            f'wanted {state}, heard {[m.state for m in heard[-20:]]}; {self.last_words()}')
        return heard[-1]

    def graph(self, kind: str) -> set[str]:
        """Names that the node publishes, subscribes or serves, without its namespace."""
        node, name = self.probe.node, ('siamx_tracker', self.namespace)
        assert self.probe.wait(lambda: name in node.get_node_names_and_namespaces())
        found = {topic for topic, _ in getattr(node, f'get_{kind}_names_and_types_by_node')(*name)}
        return {topic.removeprefix(self.namespace) for topic in found}

    def diagnosis(self, condition=lambda status, values: True, patience: float = 20.0):
        """Wait for diagnostics of this node that fulfil a condition: (status, values)."""
        begin, found = len(self.probe.heard['diagnostics']), []

        def matching():
            for array in self.probe.heard['diagnostics'][begin:]:
                for status in array.status:
                    values = {pair.key: pair.value for pair in status.values}
                    if status.hardware_id.startswith(self.namespace + '/') \
                            and condition(status, values):
                        found.append((status, values))
            return found
        assert self.probe.wait(matching, patience), self.probe.heard['diagnostics'][-3:]
        return found[-1]


def services() -> dict[str, type]:
    """Services of the node that are called here, and their types."""
    from lifecycle_msgs.srv import ChangeState, GetState
    from rcl_interfaces.srv import GetParameters, SetParametersAtomically
    from std_srvs.srv import SetBool, Trigger

    from siamx_ros.srv import AddTarget, RemoveTarget
    return {'reset': Trigger, 'start': Trigger, 'stop': Trigger, 'set_enabled': SetBool,
            'change_state': ChangeState, 'get_state': GetState, 'get_parameters': GetParameters,
            'set_parameters_atomically': SetParametersAtomically, 'add_target': AddTarget,
            'remove_target': RemoveTarget}


def scene(height: int = 120, width: int = 160, *, command: int = 0, confidence: float = 1.0,
          seconds: float = 0.0) -> np.ndarray:
    """A textured BGR image; its first pixel commands the scripted tracker."""
    blocks = np.random.default_rng(7).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    image = np.kron(blocks, np.ones((8, 8, 1), np.uint8))
    image = np.pad(image, ((0, height % 8), (0, width % 8), (0, 0)), mode='edge')
    image[0, 0] = command, round(confidence * 255), round(seconds * 100)
    return image


@pytest.fixture(scope='session')
def make_scene():
    return scene


@pytest.fixture(scope='module')
def make_rig(tmp_path_factory):
    """Starts nodes: make_rig(parameters, scripted=True, command=None, name='')."""
    rigs = []

    def make(parameters: dict | None = None, *, scripted: bool = True, command=None,
             name: str = '', ready: bool = True) -> Rig:
        rig = Rig(tmp_path_factory.mktemp('node'), parameters or {},
                  command or (SCRIPTED_NODE if scripted else TRACKER_NODE), name)
        rigs.append(rig.__enter__())
        return rig.ready() if ready else rig
    yield make
    for rig in rigs:
        rig.send_signal(signal.SIGINT)  # they end side by side
    for rig in rigs:
        rig.__exit__(None, None, None)


@pytest.fixture(scope='module')
def shared(make_rig) -> Rig:
    """One node with the scripted tracker for a whole module."""
    return make_rig()


@pytest.fixture
def rig(shared) -> Rig:
    """The module's node, without a target and not paused."""
    shared.check()
    shared.clock_ns = max(shared.clock_ns, time.time_ns())
    shared.enable(True)
    shared.trigger('reset')
    shared.status(0)  # nothing of the test before is still on its way
    return shared
