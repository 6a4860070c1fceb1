"""init_box against a service that answers as the node does."""

from __future__ import annotations

import subprocess
import threading

from command_line import script
import pytest

pytestmark = pytest.mark.ros


class FakeTracker:
    """A node with an init service that gives scripted error codes, then success.

    Without ``images`` it answers none, as the node does to which nothing is sent.
    """

    def __init__(self, codes: list[int], *, images: bool = True) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        from siamx_ros.msg import TrackedTarget
        from siamx_ros.srv import InitTarget
        self.codes, self.requests = list(codes), []
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        node = rclpy.create_node('fake_eye', namespace='robot', context=self.context)
        node.create_service(InitTarget, '~/init', self.answer)
        if images:
            target = node.create_publisher(TrackedTarget, '~/target', 1)
            node.create_timer(0.05, lambda: target.publish(TrackedTarget()))
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(node)
        self.thread = threading.Thread(target=self.executor.spin)

    def answer(self, request, response):
        self.requests.append(request)
        response.error_code = self.codes.pop(0) if self.codes else 0
        response.success = response.error_code == 0
        response.message = 'as scripted'
        response.target_id = '7' if response.success else ''
        return response

    def __enter__(self) -> FakeTracker:
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        import rclpy
        self.executor.shutdown()
        rclpy.try_shutdown(context=self.context)
        self.thread.join(10)


def init_box(*arguments: str) -> subprocess.CompletedProcess:
    """Run the executable in the namespace /robot."""
    return script('init_box', *arguments, '--ros-args', '-r', '__ns:=/robot')


def test_waits_for_the_first_image() -> None:
    with FakeTracker([701, 702, 703]) as tracker:
        done = init_box('320.5,240,80,160', '--node', 'fake_eye')
    assert done.returncode == 0, done.stderr
    assert 'Target 7 accepted' in done.stderr + done.stdout
    assert len(tracker.requests) == 4
    box = tracker.requests[-1].bbox
    assert (box.center.position.x, box.center.position.y) == (320.5, 240.0)
    assert (box.size_x, box.size_y, box.center.theta) == (80.0, 160.0, 0.0)
    assert tracker.requests[-1].header.stamp.sec == 0


def test_a_refusal_is_final() -> None:
    with FakeTracker([708, 0]) as tracker:
        done = init_box('1,2,3,4', '--node', 'fake_eye')
    assert done.returncode == 1
    assert 'refused (708): as scripted' in done.stderr + done.stdout
    assert len(tracker.requests) == 1


def test_names_the_trackers_that_run_where_it_waits_for_another() -> None:
    with FakeTracker([]):
        done = init_box('1,2,3,4', '--node', 'eye', '--timeout', '4')
    said = done.stderr + done.stdout
    assert 'Waiting for eye; trackers that run: /robot/fake_eye' in said
    assert done.returncode == 1 and 'eye did not answer' in said


@pytest.mark.parametrize('codes', [None, [702] * 1000], ids=['nobody', 'never an image'])
def test_gives_up_in_time(codes: list[int] | None) -> None:
    arguments = ('1,2,3,4', '--node', 'fake_eye', '--timeout', '1' if codes is None else '10')
    if codes is None:
        done = init_box(*arguments)
        assert 'did not answer' in done.stderr + done.stdout
    else:
        with FakeTracker(codes, images=False) as tracker:
            done = init_box(*arguments)
        assert 'refused (702)' in done.stderr + done.stdout
        assert len(tracker.requests) <= 3, 'it waits for an image, and does not pester the node'
    assert done.returncode == 1


@pytest.mark.parametrize('box', ['', '1,2,3', '1,2,3,x', '1,2,0,4', 'nan,2,3,4', '1,2,3,4,5'])
def test_a_box_that_cannot_be_read(box: str) -> None:
    done = init_box(box)
    assert done.returncode == 2
    assert done.stderr.startswith('error: a box is') and 'Traceback' not in done.stderr
