"""The probe beside the node: nothing that is waited for stands in the way of messages."""

import time

import pytest

pytestmark = pytest.mark.ros


def test_messages_and_answers_arrive_while_a_condition_is_looked_at(rig, make_scene):
    rig.show()

    def answered():
        heard = len(rig.probe.heard['target'])
        rig.probe.publish(make_scene(), rig.next_stamp())
        deadline = time.monotonic() + 10
        while len(rig.probe.heard['target']) == heard and time.monotonic() < deadline:
            time.sleep(0.005)
        return len(rig.probe.heard['target']) > heard and rig.init().success
    assert rig.probe.wait(answered, 1.0)


def test_a_condition_that_stays_false_is_given_back_in_time(rig):
    begin = time.monotonic()
    assert rig.probe.wait(lambda: 0, 0.3) == 0
    assert 0.3 <= time.monotonic() - begin < 10
