"""The state machine on scripted confidences."""

import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.records import Reason, TrackState
from siamx_ros.settings import SettingsError
from siamx_ros.tracking.states import StateMachine

CONFIG = TrackerConfig().replace({
    'lost_threshold': 0.4, 'recover_threshold': 0.6, 'relocalise_threshold': 0.8, 'n_lost': 3,
    'gone_threshold': 0.4, 'n_recover': 2, 'n_confirm': 3, 'lost_time': 0.0})
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


def test_a_short_dip_is_only_uncertain():
    assert run([0.9, 0.3, 0.3, 0.5, 0.7, 0.7, 0.9])[0] == 'TUUUUTT'


def test_loss_and_confirmed_return():
    letters, reasons = run([0.9, 0.3, 0.3, 0.3, 0.1, 0.7, 0.85, 0.9, 0.9, 0.9])
    assert letters == 'TUULLLRRTT'
    assert reasons == [Reason.LOW_SCORE, Reason.LOW_SCORE, Reason.CONFIRMED]


def test_a_bad_frame_while_confirming_is_lost_again():
    assert run([0.3, 0.3, 0.3, 0.9, 0.9, 0.3, 0.9])[0] == 'UULRRLR'


def test_a_doubtful_frame_while_confirming_is_uncertain():
    """It is not lost while something is seen, but n_confirm good frames in a row are still due."""
    config = CONFIG.replace({'gone_threshold': 0.2})
    lost = [0.1, 0.1, 0.1, 0.9]
    assert run([*lost, 0.3, 0.7, 0.7, 0.3, 0.7, 0.7, 0.7], config)[0] == 'UULRUUUUUUT'
    assert run([*lost, 0.3, 0.1, 0.1, 0.3, 0.1, 0.7], config)[0] == 'UULRUUUULL'
    assert run([*lost, 0.1], config)[0] == 'UULRL'


def test_once_confirmed_it_recovers_as_before():
    config = CONFIG.replace({'gone_threshold': 0.2})
    frames = [0.1, 0.1, 0.1, 0.9, 0.3, 0.7, 0.7, 0.7, 0.3, 0.7, 0.7]
    assert run(frames, config)[0] == 'UULRUUUTUUT'


def test_the_paper_literally():
    """k = 1 and one threshold: the first frame below 0.85 is lost."""
    literal = TrackerConfig().replace({
        'n_lost': 1, 'n_confirm': 1, 'lost_threshold': 0.85, 'gone_threshold': 0.85,
        'recover_threshold': 0.85, 'relocalise_threshold': 0.85})
    assert run([0.85, 0.849, 0.9, 0.9], literal)[0] == 'TLRT'


def test_doubt_alone_is_not_a_loss():
    """Bad frames that are not as bad as gone leave it UNCERTAIN for good; they undo no count."""
    config = CONFIG.replace({'gone_threshold': 0.2})
    assert run([0.3] * 8 + [0.7, 0.7], config)[0] == 'UUUUUUUUUT'
    assert run([0.1, 0.3, 0.1, 0.3, 0.3, 0.1, 0.3], config)[0] == 'UUUUULL'
    assert run([0.3, 0.1], config.replace({'n_lost': 1}))[0] == 'UL'


DOUBT = CONFIG.replace({'gone_threshold': 0.2, 'n_doubt': 2})
"""Bad is below 0.4, gone below 0.2, good again from 0.6 on."""


@pytest.mark.parametrize('confidences, letters', [
    ([0.3, 0.3, 0.3, 0.9, 0.9], 'TTUUT'), ([0.3, 0.3, 0.5, 0.3], 'TTTU'),
    ([0.3, 0.3, 0.7, 0.3, 0.3], 'TTTTT'), ([0.3, 0.1], 'TU'), ([0.1], 'U')])
def test_doubt_while_place_and_size_go_on_does_not_end_tracking_at_once(confidences, letters):
    """Not even after n_doubt frames if a good one was among them; a gone frame ends it at once."""
    assert run(confidences, DOUBT, smooth=True)[0] == letters


@pytest.mark.parametrize('given', [{'smooth': False}, {'smooth': True, 'peak_ratio': 0.9}])
def test_doubt_ends_tracking_where_the_track_breaks_or_another_looks_alike(given):
    assert run([0.3], DOUBT, **given)[0] == 'U'
    assert run([0.5, 0.9], DOUBT, **given)[0] == 'TT'


def test_doubt_is_counted_anew_after_each_return():
    frames = [0.3, 0.3, 0.3, 0.9, 0.9, 0.3, 0.3, 0.3]
    assert run(frames, DOUBT, smooth=True)[0] == 'TTUUTTTU'


def test_no_doubt_is_allowed_with_zero():
    assert run([0.3], DOUBT.replace({'n_doubt': 0}), smooth=True)[0] == 'U'


def test_gone_is_bad():
    """A frame that is not bad does not count, whatever gone_threshold says."""
    config = CONFIG.replace({'gone_threshold': 1.0})
    assert run([0.3] + [0.45] * 6 + [0.3, 0.3], config)[0] == 'UUUUUUUUL'


def test_time_counts_as_well_as_frames():
    config = CONFIG.replace({'n_lost': 100, 'lost_time': 0.5})
    assert run([0.1] * 7, config)[0] == 'UUUUULL'


def test_search_times_out():
    config = CONFIG.replace({'search_timeout': 0.3})
    letters, reasons = run([0.1] * 8, config)
    assert letters == 'UULLL---' and reasons[-1] == Reason.SEARCH_TIMEOUT


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
