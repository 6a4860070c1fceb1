"""~/status and /diagnostics over DDS: latched, with a heartbeat, and true in every state."""

import math
import time

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import pytest

from siamx_ros.client.probe import BEST_EFFORT, LATCHED, stamp
from siamx_ros.config import TrackerConfig
from siamx_ros.msg import TrackedTarget, TrackerStatus as S

pytestmark = pytest.mark.ros
SLEEP = 3
N_LOST = TrackerConfig().n_lost


@pytest.mark.serial
def test_a_late_subscriber_gets_the_state_before_the_next_heartbeat(make_rig):
    rig = make_rig({'status_rate': 1.0})
    rig.started(target_id='late')
    rig.status(S.STATE_TRACKING)
    heard = []
    begin = time.monotonic()
    rig.probe.node.create_subscription(S, f'{rig.namespace}/siamx_tracker/status', heard.append,
                                       LATCHED)
    assert rig.probe.wait(lambda: heard)
    assert heard[0].target_id == 'late' and heard[0].state == S.STATE_TRACKING
    published = heard[0].published.sec + heard[0].published.nanosec * 1e-9
    assert published < time.time() - (time.monotonic() - begin), 'sent before we subscribed'


@pytest.mark.serial
def test_heartbeat_at_the_asked_rate(make_rig):
    rig = make_rig({'status_rate': 20.0})
    heard = rig.probe.heard['status']
    first = len(heard)
    begin = time.monotonic()
    assert rig.probe.wait(lambda: len(heard) >= first + 20)
    assert 0.7 < time.monotonic() - begin < 6.0, '1 s on an idle machine'


@pytest.mark.parametrize('autostart', [True, False])
def test_the_node_beats_and_answers_while_a_model_is_loaded(make_rig, autostart):
    """The scripted one of these weights takes for ever."""
    rig = make_rig({'autostart': autostart, 'model': {'weights': 'stuck'}}, ready=False)
    heard = rig.up().probe.heard['status']
    if not autostart:
        request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
        rig.probe.call_async(ChangeState, 'change_state', request)
    assert rig.probe.wait(
        lambda: heard and heard[-1].message == 'the model is being loaded')
    count = len(heard)
    answer = rig.init()
    assert (answer.error_code, answer.message) == (
        701, 'the node is not active: the model is being loaded')
    assert rig.trigger('reset').message == answer.message
    assert not rig.transition('configure'), 'one at a time'
    assert not rig.set_parameters(model__device='cpu').successful, 'in use already'
    assert rig.set_parameters(debug_rate=5.0).successful
    assert rig.probe.wait(lambda: len(heard) > count + 5)
    assert rig.stop() == 0


def test_sequence_numbers_grow_over_both_messages(rig):
    rig.started()
    for _ in range(5):
        rig.show()
    numbers = [m.seq for name in ('target', 'status') for m in rig.probe.heard[name]]
    assert len(numbers) == len(set(numbers))
    for name in ('target', 'status'):
        seqs = [m.seq for m in rig.probe.heard[name]]
        assert seqs == sorted(seqs)


def test_a_target_is_lost_found_and_confirmed(rig, make_scene):
    """The whole state machine, with hysteresis, as a subscriber sees it."""
    rig.started()
    first = len(rig.probe.heard['status'])
    rig.show()
    lost = [rig.show(make_scene(confidence=0.1)) for _ in range(N_LOST + 1)]
    found, due = [rig.show() for _ in range(4)], TrackerConfig().n_confirm - 1
    assert [m.state for m in lost] == [S.STATE_UNCERTAIN] * (N_LOST - 1) + [S.STATE_LOST] * 2
    assert [m.state for m in found] == (
        [S.STATE_RELOCALISED] * due + [S.STATE_TRACKING] * (4 - due))
    assert [m.valid for m in lost + found] == [False] * (len(lost) + due) + [True] * (4 - due)
    assert {m.target_id for m in lost + found} == {lost[0].target_id} != {''}
    assert [m.box_source for m in found[:due + 1]] == [
        TrackedTarget.BOX_RELOCALISED] * due + [TrackedTarget.BOX_MEASURED]
    last = rig.status(S.STATE_TRACKING)
    changes = [(m.previous_state, m.state, m.reason) for m in rig.probe.heard['status'][first:]]
    assert sorted(set(changes), key=changes.index)[-4:] == [
        (S.STATE_TRACKING, S.STATE_UNCERTAIN, S.REASON_LOW_SCORE),
        (S.STATE_UNCERTAIN, S.STATE_LOST, S.REASON_LOW_SCORE),
        (S.STATE_LOST, S.STATE_RELOCALISED, S.REASON_NONE),
        (S.STATE_RELOCALISED, S.STATE_TRACKING, S.REASON_CONFIRMED)]
    assert last.relocalisations == 1 and last.message == \
        'tracking: confirmed by good images in a row'


def test_detections_are_empty_not_silent_without_a_target_in_sight(rig, make_scene):
    rig.show()
    idle = rig.probe.answer(rig.clock_ns, 'detections')
    rig.started()
    for _ in range(N_LOST):
        rig.show(make_scene(confidence=0.1))
    lost = rig.probe.answer(rig.clock_ns, 'detections')
    assert list(idle.detections) == list(lost.detections) == []
    assert lost.header.frame_id == 'camera_optical_frame'


def test_uncertain_targets_are_listed_or_not(rig, make_scene):
    rig.started()
    for listed in (True, False):
        assert rig.set_parameters(publish_uncertain=listed).successful
        rig.show()
        target = rig.show(make_scene(confidence=0.4))
        assert target.state == S.STATE_UNCERTAIN and not target.valid
        assert len(rig.probe.answer(rig.clock_ns, 'detections').detections) == listed
    rig.set_parameters(publish_uncertain=True)


def test_times_in_the_status(rig):
    rig.trigger('reset')
    never = rig.status(S.STATE_UNINITIALISED)
    assert never.since_last_valid.sec == 2**31 - 1
    assert never.reason == S.REASON_RESET and never.target_id == ''
    rig.started()
    status = rig.status(S.STATE_TRACKING)
    assert status.since_last_valid.sec < 5
    heard = rig.probe.heard['status']
    assert rig.probe.wait(lambda: heard[-1].time_in_state.sec >= 1)


def test_missing_images_are_reported_with_topic_and_publishers(make_rig):
    rig = make_rig({'image_timeout': 0.3})
    heard = rig.probe.heard['status']
    assert rig.probe.wait(lambda: 'no image for' in heard[-1].message)
    assert heard[-1].state == S.STATE_UNINITIALISED
    status, values = rig.diagnosis(lambda status, values: status.level == DiagnosticStatus.WARN)
    for text in (f'{rig.namespace}/image', 'subscribed as reliable', '/probe (reliable)'):
        assert text in status.message
    assert 'no image for' in rig.log
    assert rig.set_parameters(image_timeout=10.0).successful
    rig.clock_ns = time.time_ns()
    rig.show()
    rig.diagnosis(lambda status, values: status.level == DiagnosticStatus.OK)


def test_input_stale_and_what_follows(make_rig):
    """Images stop while tracking: INPUT_STALE; they return: found and confirmed anew."""
    rig = make_rig()
    rig.started()
    assert rig.set_parameters(image_timeout=0.4).successful
    stale = rig.status(S.STATE_INPUT_STALE)
    assert stale.reason == S.REASON_NO_IMAGES and stale.target_id
    rig.diagnosis(lambda status, values: status.level == DiagnosticStatus.ERROR)
    assert rig.set_parameters(image_timeout=10.0).successful
    before = len(rig.probe.heard['target'])
    states = [rig.show().state for _ in range(4)]
    assert states[0] == S.STATE_RELOCALISED and states[-1] == S.STATE_TRACKING
    heard = rig.probe.heard['status']
    lost = next(m for m in reversed(heard) if m.state == S.STATE_LOST)
    assert lost.reason == S.REASON_NO_IMAGES
    assert len(rig.probe.heard['target']) == before + 4, 'no message without an image'


def test_a_short_gap_is_forgiven_within_lost_time(make_rig):
    rig = make_rig({'tracking': {'lost_time': 9.0}})
    rig.started()
    assert rig.set_parameters(image_timeout=0.2).successful
    rig.status(S.STATE_INPUT_STALE)
    assert rig.show().state == S.STATE_TRACKING


def test_diagnostics_of_a_working_node(make_rig, make_scene):
    rig = make_rig()
    rig.clock_ns = time.time_ns()
    rig.started()
    image = make_scene(command=SLEEP, seconds=0.01)
    for _ in range(20):
        rig.clock_ns = time.time_ns()
        rig.show(image, step=0)
    status, values = rig.diagnosis(lambda status, values: float(values['tracked_rate_hz']) > 0.5
                                   and status.level == DiagnosticStatus.OK)
    assert values['state'] == 'TRACKING'
    for name in ('input_rate_hz', 'latency_p50_ms', 'latency_p95_ms', 'age_on_arrival_p50_ms',
                 'inference_p95_ms', 'rss_mb', 'cpu_percent'):
        assert float(values[name]) > 0 or name.startswith(('age', 'lat')), (name, values)
    assert values['overwritten_total'] == '0' and 'subscribed as reliable' in values['input']


@pytest.mark.parametrize('offset_s, words', [(30, 'from the future'), (-90, 's old on arrival')])
def test_clocks_that_disagree_are_reported(make_rig, offset_s, words):
    rig = make_rig()
    rig.clock_ns = time.time_ns() + offset_s * 10**9
    target = rig.show()
    assert target.latency != target.latency, 'NaN: nobody knows the age'
    assert target.header.stamp == stamp(rig.clock_ns)
    status, _ = rig.diagnosis(lambda status, values: words in status.message)
    assert status.level == DiagnosticStatus.WARN


def test_best_effort_subscribers_match_the_outputs(rig):
    heard = []
    topic = f'{rig.namespace}/siamx_tracker/target'
    rig.probe.node.create_subscription(TrackedTarget, topic, heard.append, BEST_EFFORT)
    assert rig.probe.wait(lambda: len(rig.probe.node.get_subscriptions_info_by_topic(topic)) == 2)
    for _ in range(50):
        rig.show()
        if heard:
            break
    assert heard


def test_a_search_that_took_too_long_ends_without_a_target(make_rig, make_scene):
    rig = make_rig({'tracking': {'n_lost': 1, 'search_timeout': 0.2}})
    rig.started()
    bad = make_scene(confidence=0.0)
    for _ in range(20):
        target = rig.show(bad, step=0.05)
        if target.state == target.STATE_UNINITIALISED:
            break
    assert (target.state, target.box_source) == (target.STATE_UNINITIALISED, target.BOX_NONE)
    assert target.target_id == '' and math.isnan(target.bbox.size_x)
    status = rig.status(S.STATE_UNINITIALISED)
    assert (status.reason, status.target_id) == (S.REASON_SEARCH_TIMEOUT, '')
