"""What ~/status says when images, requests and the watchdog all have something to say."""

from __future__ import annotations

import pytest

from siamx_ros.messages.status_board import StatusBoard
from siamx_ros.records import Reason, TrackState

HEADER = object()


@pytest.fixture
def board() -> StatusBoard:
    board = StatusBoard(0.0)
    board.update(TrackState.TRACKING, Reason.INIT, 'a', 1.0, valid=True, header=HEADER)
    return board


def test_without_message_and_problem_state_and_reason_are_the_sentence(board):
    assert board.status.sentence == 'tracking: a target was given'


def test_the_end_of_a_problem_leaves_what_an_image_said(board):
    board.note_problem('no image for 10.0 s')
    board.update(TrackState.TRACKING, Reason.NONE, 'a', 2.0, message='truncated', header=HEADER)
    assert board.status.sentence == 'truncated; no image for 10.0 s'
    board.note_problem('')
    assert board.status.sentence == 'truncated'
    board.update(TrackState.TRACKING, Reason.NONE, 'a', 3.0, header=HEADER)
    assert board.status.sentence == 'tracking: a target was given'


def test_a_problem_that_quotes_the_message_does_not_say_it_twice(board):
    board.update(TrackState.TRACKING, Reason.NONE, 'a', 2.0, message='truncated', header=HEADER)
    board.note_problem('no readable image for 2.0 s: truncated')
    assert board.status.sentence == 'no readable image for 2.0 s: truncated'


def test_a_request_does_not_end_a_problem_but_an_image_that_changes_the_state_does(board):
    board.note_problem('no image for 10.0 s')
    assert board.update(TrackState.INPUT_STALE, Reason.NO_IMAGES, 'a', 2.0)
    assert board.update(TrackState.UNINITIALISED, Reason.RESET, '', 3.0)
    assert board.status.sentence == 'no image for 10.0 s'
    assert board.update(TrackState.TRACKING, Reason.INIT, 'b', 4.0, valid=True, header=HEADER)
    assert board.status.sentence == 'tracking: a target was given'


def test_what_belongs_to_a_target_ends_with_it(board):
    board.update(TrackState.RELOCALISED, Reason.NONE, 'a', 2.0, header=HEADER)
    assert (board.status.relocalisations, board.status.last_valid) == (1, 1.0)
    board.update(TrackState.RELOCALISED, Reason.NONE, 'a', 3.0, header=HEADER)
    assert (board.status.relocalisations, board.status.entered) == (1, 2.0)
    board.update(TrackState.TRACKING, Reason.INIT, 'b', 4.0, header=HEADER)
    assert (board.status.relocalisations, board.status.last_valid) == (0, None)
    assert board.status.previous == TrackState.RELOCALISED
