"""Pausing, resetting and the managed life of the node, over DDS."""

from __future__ import annotations

import gc
import statistics
import time
from types import SimpleNamespace
import weakref

from lifecycle_msgs.srv import GetState
import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn

from siamx_ros.client.probe import init_request
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackerStatus as S
from siamx_ros.node.health import resident_mb
from siamx_ros.srv import InitTarget

pytestmark = pytest.mark.ros
SLEEP, SLEEP_LONG = 3, 5


def lifecycle(rig) -> str:
    return rig.probe.call(GetState, 'get_state', GetState.Request()).current_state.label


def test_reset_drops_the_target_and_says_so(rig):
    rig.started()
    assert rig.trigger('reset').success
    status = rig.status(S.STATE_UNINITIALISED)
    assert (status.reason, status.target_id) == (S.REASON_RESET, '')
    target = rig.show()
    assert (target.state, target.target_id, target.valid) == (S.STATE_UNINITIALISED, '', False)


@pytest.mark.parametrize('off, on', [
    (lambda rig: rig.enable(False), lambda rig: rig.enable(True)),
    (lambda rig: rig.trigger('stop'), lambda rig: rig.trigger('start'))], ids=['bool', 'trigger'])
def test_pause_keeps_the_target_which_must_then_be_confirmed(rig, off, on):
    name = rig.started().target_id
    assert off(rig).success
    assert rig.status(S.STATE_PAUSED).reason == S.REASON_OPERATOR
    paused = [rig.show() for _ in range(3)]
    assert {(m.state, m.valid, m.target_id) for m in paused} == {(S.STATE_PAUSED, False, name)}
    assert on(rig).success
    assert rig.status(S.STATE_LOST).reason == S.REASON_OPERATOR
    states = [rig.show().state for _ in range(4)]
    assert states[0] == S.STATE_RELOCALISED and states[-1] == S.STATE_TRACKING
    assert rig.show().target_id == name


def test_pausing_twice_and_without_a_target_is_harmless(rig):
    for on in (False, False):
        assert rig.enable(on).success
    assert rig.show().state == S.STATE_PAUSED
    assert rig.trigger('reset').success
    assert rig.show().state == S.STATE_PAUSED
    for on in (True, True):
        assert rig.enable(on).success
    assert rig.show().state == S.STATE_UNINITIALISED


def test_a_new_target_ends_a_pause(rig):
    rig.started()
    rig.enable(False)
    assert rig.init().success
    assert rig.show().valid


def test_the_whole_lifecycle(make_rig):
    rig = make_rig({'autostart': False}, ready=False)
    heard = rig.probe.heard['status']
    assert rig.up().probe.wait(lambda: heard)
    assert heard[0].message == 'not active'
    assert lifecycle(rig) == 'unconfigured'
    assert rig.transition('configure') and lifecycle(rig) == 'inactive'
    assert rig.probe.camera.get_subscription_count() == 0, 'an inactive node costs nothing'
    assert rig.transition('activate') and lifecycle(rig) == 'active'
    rig.ready().started()
    assert rig.transition('deactivate') and lifecycle(rig) == 'inactive'
    assert rig.status(S.STATE_UNINITIALISED).message == 'not active'
    assert rig.probe.wait(lambda: rig.probe.camera.get_subscription_count() == 0)
    assert rig.init().error_code == 701
    assert rig.transition('activate')
    rig.ready()
    assert rig.show().target_id == '', 'deactivation drops the target'
    rig.started()
    assert rig.transition('deactivate') and rig.transition('cleanup')
    assert lifecycle(rig) == 'unconfigured'
    assert rig.transition('unconfigured_shutdown') and lifecycle(rig) == 'finalized'
    assert rig.stop() == 0


def test_a_transition_that_the_state_does_not_allow_is_refused(rig):
    rig.started()
    assert not rig.transition('configure') and not rig.transition('cleanup')
    assert lifecycle(rig) == 'active' and rig.show().valid


def test_a_model_that_fails_at_the_end_is_reported_and_given_up(make_rig):
    rig = make_rig({'model': {'weights': 'broken'}})
    assert rig.transition('deactivate') and rig.transition('cleanup')
    assert 'the model could not be closed: RuntimeError: the device has gone' in rig.log
    assert rig.set_parameters(model__weights='default').successful, 'no model is held any more'
    assert rig.probe.wait(lambda: rig.probe.camera.get_subscription_count() == 0, 20), (
        'what was subscribed before the cleanup must not be taken for what comes after it')
    assert rig.transition('configure') and rig.transition('activate')
    rig.ready().started()


def test_a_transition_that_fails_is_reported_and_leads_back_to_the_start(monkeypatch):
    """In this process, so that something can fail that never should."""
    from siamx_ros.node import tracker_node
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = tracker_node.TrackerNode(lambda config: SimpleNamespace(
            reset=lambda: None, close=lambda: None), context=context)
        with monkeypatch.context() as broken:
            broken.setattr(tracker_node, 'Pipeline', lambda *args, **names: 1 / 0)
            assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
            assert node.trigger_activate() == TransitionCallbackReturn.ERROR
        assert 'on_activate failed: ZeroDivisionError' in node.board.status.message
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        node.close()
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_calls_that_wait_during_deactivation_are_answered(make_rig, make_scene):
    rig = make_rig()
    rig.started()
    rig.occupy(make_scene(command=SLEEP, seconds=1.0))
    waiting = [rig.probe.call_async(InitTarget, 'init', init_request(BoundingBox(60, 40, 40, 32)))
               for _ in range(3)]
    assert rig.transition('deactivate')
    assert rig.probe.wait(lambda: all(future.done() for future in waiting))
    assert {future.result().error_code for future in waiting} == {701}


@pytest.mark.serial
def test_an_inference_that_outlives_deactivation(make_rig, make_scene):
    """It says nothing any more, and nothing is begun beside it."""
    rig = make_rig()
    rig.started()
    begin = time.monotonic()
    hung = rig.occupy(make_scene(command=SLEEP_LONG, seconds=0.8))  # 8 s
    assert rig.transition('deactivate')
    assert not rig.transition('cleanup') and not rig.transition('activate')
    assert 'has not ended yet' in rig.log
    assert time.monotonic() - begin < 7, 'still busy'
    assert rig.probe.wait(lambda: rig.transition('activate'), 30)
    assert rig.probe.answer(hung, patience=0) is None
    rig.ready()
    assert rig.show().target_id == ''
    rig.started()
    assert rig.show().valid


def test_numbers_of_targets_never_come_again(make_rig):
    rig = make_rig()
    names = [rig.started().target_id]
    rig.started(target_id='2')
    names.append(rig.started().target_id)
    assert rig.transition('deactivate') and rig.transition('activate')
    names.append(rig.ready().started().target_id)
    assert names == ['1', '3', '4']


def test_deactivation_ends_a_problem(make_rig):
    rig = make_rig({'image_timeout': 0.3})
    heard = rig.probe.heard['status']
    assert rig.probe.wait(lambda: 'no image for' in heard[-1].message)
    assert rig.transition('deactivate')
    count = len(heard)
    assert rig.probe.wait(lambda: len(heard) > count + 2)
    assert heard[-1].message == 'not active'


def test_settings_that_are_not_live_may_change_between_two_configurations(make_rig):
    rig = make_rig({'autostart': False, 'model': {'weights': 'missing'}}, scripted=False,
                   ready=False)
    rig.up()
    assert not rig.transition('configure')
    status = rig.status(S.STATE_ERROR)
    assert "'missing'" in status.message and 'cannot be loaded' in status.message
    assert rig.set_parameters(model__weights='default').successful
    assert rig.transition('configure') and rig.transition('activate')
    assert not rig.set_parameters(model__weights='missing').successful
    assert rig.status(S.STATE_UNINITIALISED)
    rig.ready().started()


def test_cleaning_up_frees_the_network():
    """In this process, so that the garbage collector can be asked."""
    from siamx_ros.node.tracker_node import TrackerNode
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = TrackerNode(context=context, parameter_overrides=[
            rclpy.parameter.Parameter('model.device', value='cpu')])
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        network = weakref.ref(node.holder.tracker.engine.network)
        weights = weakref.ref(next(network().parameters()))
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
        gc.collect()
        assert network() is None and weights() is None
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


@pytest.mark.serial
def test_life_after_life_takes_no_more_memory(make_rig):
    rig = make_rig({'autostart': False, 'model': {'device': 'cpu'}}, scripted=False, ready=False)
    rig.up()
    sizes = []
    for _ in range(18):
        for step in ('configure', 'activate'):
            assert rig.transition(step)
        rig.ready().started()
        for step in ('deactivate', 'cleanup'):
            assert rig.transition(step)
        sizes.append(resident_mb(rig.pid))
    grown = statistics.median(sizes[12:]) - statistics.median(sizes[6:12])
    assert grown < 15, sizes  # six times the weights alone would be 35


@pytest.mark.gpu
def test_cleaning_up_frees_the_gpu(make_rig):
    rig = make_rig({'model': {'device': 'cuda'}}, scripted=False)
    rig.started()
    _, values = rig.diagnosis(lambda status, values: 'gpu_allocated_mb' in values)
    assert float(values['gpu_allocated_mb']) > 5
    assert rig.transition('deactivate') and rig.transition('cleanup')
    rig.diagnosis(lambda status, values: float(values['gpu_allocated_mb']) < 1
                  and float(values['gpu_reserved_mb']) < 5)
