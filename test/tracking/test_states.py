"""The state machine on scripted confidences."""

import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.records import BoxSource, Reason, TrackState
from siamx_ros.settings import SettingsError
from siamx_ros.tracking.states import StateMachine, source_of

CONFIG = TrackerConfig().replace({
    'lost_threshold': 0.4, 'recover_threshold': 0.6, 'relocalise_threshold': 0.8, 'n_lost': 3,
    'gone_threshold': 0.4, 'n_recover': 2, 'n_confirm': 3, 'lost_time': 0.0,
    'unbroken_margin': 0.0})
LETTERS = {TrackState.TRACKING: 'T', TrackState.UNCERTAIN: 'U', TrackState.LOST: 'L',
           TrackState.RELOCALISED: 'R', TrackState.UNINITIALISED: '-'}


def run(confidences, config=CONFIG, step_s=0.1, **kwargs):
    """Letters of the states after each frame, and the reasons of the changes."""
    machine = StateMachine(config)
    machine.start(0.0)
    letters, reasons = '', []
    for i, confidence in enumerate(confidences):
        reason = machine.step(confidence, (i + 1) * step_s, **kwargs)
        letters += LETTERS[machine.state]
        if reason != Reason.NONE:
            reasons.append(reason)
    return letters, reasons


GONE_LOWER = {'gone_threshold': 0.2}
LOST = [0.1, 0.1, 0.1, 0.9]


@pytest.mark.parametrize('settings, confidences, letters', [
    pytest.param({}, [0.9, 0.3, 0.3, 0.5, 0.7, 0.7, 0.9], 'TUUUUTT', id='a short dip'),
    pytest.param({}, [0.3, 0.3, 0.3, 0.9, 0.9, 0.3, 0.9], 'UULRRLR', id='bad while confirming'),
    pytest.param(GONE_LOWER, [*LOST, 0.3, 0.7, 0.7, 0.3, 0.7, 0.7, 0.7], 'UULRUUUUUUT',
                 id='doubtful while confirming: n_confirm good frames in a row are still due'),
    pytest.param(GONE_LOWER, [*LOST, 0.3, 0.1, 0.1, 0.3, 0.1, 0.7], 'UULRUUUULL',
                 id='doubtful, then gone while confirming'),
    pytest.param(GONE_LOWER, [*LOST, 0.1], 'UULRL', id='gone while confirming'),
    pytest.param(GONE_LOWER, [*LOST, 0.3, 0.7, 0.7, 0.7, 0.3, 0.7, 0.7], 'UULRUUUTUUT',
                 id='once confirmed it recovers as before'),
    pytest.param(GONE_LOWER, [0.3] * 8 + [0.7, 0.7], 'UUUUUUUUUT', id='doubt alone is no loss'),
    pytest.param(GONE_LOWER, [0.1, 0.3, 0.1, 0.3, 0.3, 0.1, 0.3], 'UUUUULL',
                 id='doubt undoes no count of gone frames'),
    pytest.param({**GONE_LOWER, 'n_lost': 1}, [0.3, 0.1], 'UL', id='one gone frame is enough'),
    pytest.param({'gone_threshold': 1.0}, [0.3] + [0.45] * 6 + [0.3, 0.3], 'UUUUUUUUL',
                 id='what is not bad is not gone, whatever gone_threshold says'),
    pytest.param({'n_lost': 100, 'lost_time': 0.5}, [0.1] * 7, 'UUUUULL', id='time counts, too'),
    pytest.param({'n_lost': 1, 'n_confirm': 1, **dict.fromkeys((
        'lost_threshold', 'gone_threshold', 'recover_threshold', 'relocalise_threshold'), 0.85)},
        [0.85, 0.849, 0.9, 0.9], 'TLRT', id='the paper literally')])
def test_states_follow_the_confidences(settings, confidences, letters):
    assert run(confidences, CONFIG.replace(settings))[0] == letters


def test_loss_and_confirmed_return():
    letters, reasons = run([0.9, 0.3, 0.3, 0.3, 0.1, 0.7, 0.85, 0.9, 0.9, 0.9])
    assert letters == 'TUULLLRRTT'
    assert reasons == [Reason.LOW_SCORE, Reason.LOW_SCORE, Reason.CONFIRMED]


DOUBT = CONFIG.replace({'gone_threshold': 0.2, 'n_doubt': 2})
"""Bad is below 0.4, gone below 0.2, good again from 0.6 on."""


@pytest.mark.parametrize('confidences, letters', [
    ([0.3, 0.3, 0.3, 0.9, 0.9], 'TTUUT'), ([0.3, 0.3, 0.5, 0.3], 'TTTU'),
    ([0.3, 0.3, 0.7, 0.3, 0.3], 'TTTTT'), ([0.3, 0.1], 'TU'), ([0.1], 'U'),
    ([0.3, 0.3, 0.3, 0.9, 0.9, 0.3, 0.3, 0.3], 'TTUUTTTU')])
def test_doubt_while_place_and_size_go_on_does_not_end_tracking_at_once(confidences, letters):
    """Not even after n_doubt frames if a good one was among them; a gone frame ends it at once.

    After each return it is counted anew; with an n_doubt of zero none is allowed.
    """
    assert run(confidences, DOUBT, smooth=True)[0] == letters
    assert run([0.3], DOUBT.replace({'n_doubt': 0}), smooth=True)[0] == 'U'


CARRIED = CONFIG.replace({'gone_threshold': 0.2, 'n_doubt': 0, 'n_flow': 2})


@pytest.mark.parametrize('confidences, letters, asked', [
    pytest.param([0.9, 0.5, 0.4], 'TTT', 0, id='not asked while all is well'),
    pytest.param([0.3, 0.1, 0.9, 0.1], 'TTTT', 3, id='doubtful or gone, until n_flow of them'),
    pytest.param([0.3, 0.5, 0.1, 0.3, 0.7, 0.7, 0.1], 'TTTUUTT', 3,
                 id='bad ones count until a good one, and anew after a return'),
    pytest.param([0.3, 0.3, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.3], 'TTUULRRTU', 2,
                 id='not after a loss')])
def test_optical_flow_keeps_it_tracking_until_the_first_loss(confidences, letters, asked):
    answers = []
    assert run(confidences, CARRIED, carried=lambda: not answers.append(None))[0] == letters
    assert len(answers) == asked


def test_without_optical_flow_or_where_it_says_no_the_first_bad_frame_is_uncertain():
    assert run([0.3], CARRIED, carried=lambda: False)[0] == 'U'
    assert run([0.3], CARRIED.replace({'n_flow': 0}), carried=lambda: True)[0] == 'U'


@pytest.mark.parametrize('given', [{'smooth': False}, {'smooth': True, 'peak_ratio': 0.9}])
def test_doubt_ends_tracking_where_the_track_breaks_or_another_looks_alike(given):
    assert run([0.3], DOUBT, **given)[0] == 'U'
    assert run([0.5, 0.9], DOUBT, **given)[0] == 'TT'


UNBROKEN = CONFIG.replace({
    'unbroken_margin': 0.1, 'gone_threshold': 0.2, 'n_recover': 1, 'n_confirm': 2})
"""Until a loss bad is below 0.3 and good from 0.5 on; after it, below 0.4 and from 0.6 on."""


@pytest.mark.parametrize('settings, letters', [
    ({}, 'TUUTUULRTUUT'), ({'unbroken_margin': 0.0}, 'UUUUUULRTUUT'),
    ({'unbroken_margin': 1.0}, 'TTTTUULRTUUT')])
def test_what_was_never_lost_is_trusted_more(settings, letters):
    """However large the margin is, what is gone (below 0.2) is bad."""
    confidences = [0.35, 0.25, 0.45, 0.55, 0.1, 0.1, 0.1, 0.9, 0.9, 0.35, 0.55, 0.7]
    assert run(confidences, UNBROKEN.replace(settings))[0] == letters


def test_a_loss_from_outside_breaks_it_and_another_target_begins_anew():
    machine = StateMachine(UNBROKEN)
    machine.start(0.0)
    assert machine.unbroken
    machine.lose(0.1)
    assert not machine.unbroken
    machine.start(0.2)
    assert machine.unbroken


def test_search_times_out():
    config = CONFIG.replace({'search_timeout': 0.3})
    letters, reasons = run([0.1] * 8, config)
    assert letters == 'UULLL---' and reasons[-1] == Reason.SEARCH_TIMEOUT


def test_a_search_that_is_interrupted_goes_on_and_the_interruption_does_not_count():
    machine = StateMachine(CONFIG.replace({'search_timeout': 1.95}))
    machine.start(0.0)
    machine.lose(1.0)
    stamp, searched = 1.0, 0.0
    while machine.state == TrackState.LOST and searched < 5:
        for _ in range(5):
            stamp, searched = stamp + 0.1, searched + 0.1
            machine.step(0.0, stamp)
        stamp += 30.0
        if machine.state == TrackState.LOST:
            machine.lose(stamp)
    assert machine.state == TrackState.UNINITIALISED and searched == pytest.approx(2.0)
    assert machine.frames_lost == 0 and source_of(machine.state) == BoxSource.NONE


@pytest.mark.parametrize('given, reason', [
    ({'visible_share': 0.1}, Reason.OUT_OF_VIEW), ({'peak_ratio': 0.9}, Reason.AMBIGUOUS_PEAKS),
    ({}, Reason.LOW_SCORE)])
def test_reason_of_a_loss(given, reason):
    assert run([0.1], **given)[1] == [reason]


def test_frames_lost_counts_from_the_first_bad_frame():
    machine = StateMachine(CONFIG)
    machine.start(0.0)
    counts = []
    for i, confidence in enumerate([0.9, 0.1, 0.1, 0.1, 0.1, 0.9]):
        machine.step(confidence, i / 30)
        counts.append(machine.frames_lost)
    assert counts == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize('name', ['recover_threshold', 'relocalise_threshold'])
def test_thresholds_must_be_ordered(name):
    with pytest.raises(SettingsError, match=name):
        CONFIG.replace({name: 0.1})


def test_what_is_refused_is_never_the_target_whatever_the_thresholds():
    none = CONFIG.replace({'lost_threshold': 0.0, 'recover_threshold': 0.0,
                           'relocalise_threshold': 0.0})
    assert run([0.0] * 5, none)[0] == 'TTTTT'
    letters, reasons = run([0.0] * 5, none, refused=True)
    assert letters == 'UULLL'
    assert reasons == [Reason.OUT_OF_REACH] * 2
