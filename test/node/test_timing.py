"""The executor stays free, latency and drops are measured, memory and clocks are under control."""

from __future__ import annotations

import statistics
import time

from lifecycle_msgs.srv import GetState
import pytest

from siamx_ros.client.probe import init_request, nanoseconds, stamp
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackerStatus as S
from siamx_ros.node.health import resident_mb
from siamx_ros.srv import InitTarget

pytestmark = [pytest.mark.ros, pytest.mark.serial]
SLEEP = 3
BOX = BoundingBox(60, 40, 40, 32)


def durations(action, count: int = 15) -> list[float]:
    """Seconds that each of some calls took."""
    times = []
    for _ in range(count):
        begin = time.monotonic()
        action()
        times.append(time.monotonic() - begin)
    return times


def test_calls_are_answered_while_inference_runs(rig, make_scene):
    """2 s of inference; a call takes about 1 ms on an idle machine, one that waited would show."""
    rig.started()
    rig.probe.call(GetState, 'get_state', GetState.Request())
    wrong = init_request(BoundingBox(60, 40, 40, 32))
    wrong.header.frame_id = 'elsewhere'
    busy = rig.occupy(make_scene(command=SLEEP, seconds=2.0))
    begin = time.monotonic()
    times = durations(lambda: rig.probe.call(GetState, 'get_state', GetState.Request()))
    times += durations(lambda: rig.probe.call(InitTarget, 'init', wrong))
    assert time.monotonic() - begin < 1.5 and not rig.probe.answer(busy, patience=0), 'still busy'
    assert statistics.median(times) < 0.02, sorted(times)
    assert rig.probe.answer(busy)


def test_init_waits_for_no_more_than_the_inference_at_hand(rig, make_scene):
    rig.started()
    rig.show()
    for _ in range(5):
        rig.probe.publish(make_scene(command=SLEEP, seconds=0.3), rig.next_stamp())
    begin = time.monotonic()
    rig.init()
    assert time.monotonic() - begin < 1.2, 'one image of 0.3 s, and the init image of 0.3 s'


def test_an_image_that_waited_while_a_target_was_started_on_it_is_reported_once(rig, make_scene):
    rig.started()
    before = len(rig.probe.heard['target'])
    for step in range(3):
        rig.probe.publish(make_scene(command=SLEEP, seconds=0.5), rig.next_stamp())
        time.sleep(0.1)  # the second is overwritten by the third, which waits for the first
    assert rig.init().stamp == stamp(rig.clock_ns)
    rig.show()
    answers = rig.probe.heard['target'][before:]
    stamps = [nanoseconds(answer.header.stamp) for answer in answers]
    assert stamps == sorted(set(stamps)) and len(stamps) == 3
    assert sum(answer.dropped for answer in answers) == 1, 'every image is accounted for'


def test_a_slow_tracker_gets_the_newest_image_and_drops_are_counted(rig, make_scene):
    rig.started()
    rig.show()
    before = len(rig.probe.heard['target'])
    sent = []
    for _ in range(12):
        rig.probe.publish(make_scene(command=SLEEP, seconds=0.3), rig.next_stamp())
        sent.append(rig.clock_ns)
        time.sleep(0.02)  # the rate of the camera
    assert rig.probe.answer(sent[-1]), 'the newest is never dropped'
    answers = rig.probe.heard['target'][before:]
    assert len(answers) < 9
    assert len(answers) + sum(m.dropped for m in answers) == 12, 'every image is accounted for'
    rig.diagnosis(lambda status, values: int(values['overwritten_total']) >= 3)


def test_catching_up_ends_in_time_and_at_the_newest_image(make_rig, make_scene):
    rig = make_rig({'init_timeout': 2.0, 'buffer_seconds': 5.0})
    slow = make_scene(command=SLEEP, seconds=0.1)
    rig.show(slow)
    drawn = rig.clock_ns
    for _ in range(30):
        rig.show(slow)
    answer = rig.init(stamp_ns=drawn)
    assert answer.success, answer.message
    assert 1 < answer.caught_up_frames < 20, 'of 30, in 1 s'
    heard = rig.probe.heard['target']
    assert rig.probe.wait(lambda: (heard[-1].header.stamp, heard[-1].target_id) == (
        stamp(rig.clock_ns), answer.target_id))


def test_an_init_that_times_out_is_not_done_later(make_rig, make_scene):
    rig = make_rig({'init_timeout': 0.3})
    rig.started(target_id='old')
    rig.show()
    rig.occupy(make_scene(command=SLEEP, seconds=1.0))
    rig.probe.publish(make_scene(), rig.next_stamp())
    answer = rig.init(target_id='new')
    assert answer.error_code == InitTarget.Response.TIMEOUT
    assert rig.probe.answer(rig.clock_ns).target_id == 'old'
    assert rig.show().target_id == 'old'


def test_latency_is_from_stamp_to_publication(rig, make_scene):
    rig.started()
    rig.clock_ns = time.time_ns()
    target = rig.show(make_scene(command=SLEEP, seconds=0.2), step=0)
    assert 0.2 <= target.latency < 3.0


def test_the_node_adds_little_to_the_tracker(make_rig, make_scene):
    rig = make_rig()
    rig.show(make_scene(480, 640))
    assert rig.init().success
    image = make_scene(480, 640)
    for _ in range(40):
        rig.show(image)
    _, values = rig.diagnosis(lambda status, values: 'overhead_p50_ms' in values)
    assert float(values['overhead_p50_ms']) < 20.0, 'about 1 ms on an idle machine'


def test_a_thousand_images_take_no_more_memory(make_rig, make_scene):
    rig = make_rig({'buffer_max_mb': 5.0})
    rig.started()
    image = make_scene()
    for count in range(1200):
        rig.show(image)
        rig.probe.heard['target'].clear()
        if count == 400:
            before = resident_mb(rig.pid)
    kept = 0.5 * 800 * image.nbytes / 1e6
    assert resident_mb(rig.pid) - before < kept, 'less than half of the images shown since'


def test_simulated_time_without_a_clock_stops_neither_heartbeat_nor_watchdog(make_rig):
    rig = make_rig({'use_sim_time': True})
    heard = rig.probe.heard['status']
    count = len(heard)
    assert rig.probe.wait(lambda: len(heard) > count + 3)
    rig.started()
    assert rig.set_parameters(image_timeout=0.5).successful
    assert rig.status(S.STATE_INPUT_STALE)
    assert heard[-1].published.sec == 0


def test_simulated_time_gives_latencies_in_that_time(make_rig, make_scene):
    from rosgraph_msgs.msg import Clock
    rig = make_rig({'use_sim_time': True})
    clock = rig.probe.node.create_publisher(Clock, '/clock', 10)
    assert rig.probe.wait(clock.get_subscription_count)
    rig.clock_ns = 500 * 10**9
    rig.show()
    give_up = time.monotonic() + 20.0  # the node may find the clock long after the camera
    latencies = []
    while latencies[-1:] != [pytest.approx(0.25, abs=1e-3)] and time.monotonic() < give_up:
        clock.publish(Clock(clock=stamp(rig.clock_ns + 250_000_000)))
        latencies.append(rig.show(step=0).latency)
        time.sleep(0.01)
    assert latencies[-1] == pytest.approx(0.25, abs=1e-3), latencies[-20:]
