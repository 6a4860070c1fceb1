"""A detector starts the track: which detection is taken, and with a real tracker node over DDS."""

from __future__ import annotations

import subprocess
import sys
from unittest.mock import Mock

import pytest
from security_policy import check_policy
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from siamx_ros.client.probe import stamp
from siamx_ros.msg import TrackedTarget
from siamx_ros.records import TrackState
from siamx_ros.tools.target_from_detections import (
    DetectionConfig, TargetFromDetections, nearest_to_middle)

pytestmark = pytest.mark.ros


def detection(x, y, *, w=40.0, h=32.0, **scores) -> Detection2D:
    message = Detection2D()
    message.bbox.center.position.x, message.bbox.center.position.y = float(x), float(y)
    message.bbox.size_x, message.bbox.size_y = float(w), float(h)
    for name, value in scores.items():
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = name, float(value)
        message.results.append(result)
    return message


def test_the_nearest_to_the_middle_of_the_wanted_class_is_taken():
    found = [detection(20, 20, person=0.9), detection(70, 60, person=0.8),
             detection(80, 60, dog=0.9), detection(80, 60, person=0.3),
             detection(80, 60, w=float('nan'), person=0.9), detection(80, 60)]
    assert nearest_to_middle(found, DetectionConfig(), 160, 120) is found[1]
    assert nearest_to_middle(found, DetectionConfig(class_id='dog'), 160, 120) is found[2]
    assert nearest_to_middle(found, DetectionConfig(class_id=''), 160, 120) is found[2]
    assert nearest_to_middle(found, DetectionConfig(class_id='cat'), 160, 120) is None
    assert nearest_to_middle([], DetectionConfig(), 160, 120) is None


@pytest.mark.parametrize('wanted, named', [('', 'dog'), ('cat', 'cat')])
def test_the_target_has_the_class_that_the_detector_is_surest_of(wanted, named):
    node = Mock(_config=DetectionConfig(class_id=wanted), _requested=True,
                _seen=TrackedTarget(image_width=160, image_height=120))
    node._waits.return_value = False
    found = detection(80, 60, cat=0.6, dog=0.9, bird=float('nan'))
    TargetFromDetections._detected(node, Detection2DArray(detections=[found]))
    [request] = node._init.call_async.call_args.args
    assert request.class_id == named and request.bbox == found.bbox


def test_a_class_that_was_not_found_is_not_taken_whatever_the_score():
    found = [detection(80, 60, dog=0.9), detection(80, 60, person=float('nan')),
             detection(20, 60, person=0.0)]
    assert nearest_to_middle(found, DetectionConfig(min_score=0.0), 160, 120) is found[2]
    unnamed = [detection(80, 60)]
    any_class = DetectionConfig(class_id='', min_score=0.0)
    assert nearest_to_middle(unnamed, any_class, 160, 120) is unnamed[0]


@pytest.mark.parametrize('on_request, left', [(False, True), (True, False)])
def test_a_request_while_an_answer_is_awaited_still_stands(on_request, left):
    node = Mock(_requested=True)
    TargetFromDetections._answered(node, Mock(), on_request=on_request)
    assert node._requested is left and node._asked is None


@pytest.mark.parametrize('publishers, ready, seen, missing', [
    (0, True, 1, 'the next person is taken, once there is a detector on /detections'),
    (1, False, 1, 'once there is a tracker that has images (/init)'),
    (1, True, None, 'once there is a tracker that has images (/init)'),
    (0, False, None, 'a detector on /detections and a tracker that has images (/init)'),
    (1, True, 1, '')])
def test_a_request_says_what_it_waits_for(publishers, ready, seen, missing):
    node = Mock(_config=DetectionConfig(), _seen=seen, count_publishers=lambda _: publishers)
    node._detections.topic_name, node._init.srv_name = '/detections', '/init'
    node._init.service_is_ready = lambda: ready
    node._missing = lambda: TargetFromDetections._missing(node)
    answer = TargetFromDetections._request(node, None, Trigger.Response())
    assert answer.success and node._requested is True
    assert missing in answer.message and ('once there is' in answer.message) == bool(missing)


@pytest.fixture
def starter(make_rig):
    """A tracker, the node beside it, and what publishes detections: (rig, publish)."""
    rig = make_rig()
    process = subprocess.Popen(
        [sys.executable, '-m', 'siamx_ros.tools.target_from_detections', '--ros-args', '-r',
         f'__ns:={rig.namespace}', '-p', 'automatic:=true'])
    publisher = rig.probe.node.create_publisher(
        Detection2DArray, f'{rig.namespace}/detections', 10)

    def publish(*detections) -> None:
        message = Detection2DArray(detections=list(detections))
        message.header.stamp = stamp(rig.clock_ns)
        publisher.publish(message)
    assert rig.probe.wait(lambda: publisher.get_subscription_count() > 0, 60)
    yield rig, publish
    process.terminate()
    assert process.wait(20) == 0


def taken(rig, publish, *detections) -> str:
    """Show images with detections until the tracker has a target; its id."""
    def found_once():
        message = rig.show()
        publish(*detections)
        return message.state == TrackState.TRACKING and message.target_id
    assert (found := rig.probe.wait(found_once, 60)), rig.last_words()
    return found


def test_a_person_becomes_the_target_at_the_start_again_after_a_loss_and_on_request(
        starter, repository):
    rig, publish = starter
    check_policy(repository, rig.probe, 'target_from_detections', rig.namespace)
    person = detection(80, 56, person=0.9)
    first = taken(rig, publish, detection(140, 100, person=0.9), person)
    message = rig.show()
    assert (message.bbox.center.position.x, message.bbox.center.position.y) == (80, 56)
    publish(detection(60, 40, person=0.9))
    assert rig.show().target_id == first, 'whoever is tracked stays'
    rig.trigger('reset')
    second = taken(rig, publish, person)
    assert second != first, 'without a target as at the start'
    client = rig.probe.node.create_client(
        Trigger, f'{rig.namespace}/target_from_detections/request')
    assert client.wait_for_service(60)

    def requested():
        """Asks again: an answer is lost where the service does not know yet who asks."""
        future = client.call_async(Trigger.Request())
        return rig.probe.wait(future.done, 5) and future.result().success
    assert rig.probe.wait(requested, 60)

    def replaced():
        publish(detection(60, 40, person=0.9))
        return rig.show().target_id not in (first, second)
    assert rig.probe.wait(replaced, 60), 'a request replaces the target'
