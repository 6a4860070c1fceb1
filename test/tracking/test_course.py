"""Where a target was heading while nothing disturbed it."""

import pytest

from siamx_ros.geometry import BoundingBox
from siamx_ros.tracking.course import ALONE, CLEAR, Course


def box(centre):
    return BoundingBox.from_centre(*centre, 20.0, 20.0)


def gone(rule, places, sideways=0.0):
    """The course of places 3 pixels apart in x and -1 in y, every second one off by ``sideways``.
    """
    course = Course(rule)
    for step in range(places):
        course.note(step / 30, box((100 + 3 * step, 50 - step + sideways * (-1) ** step)))
    return course


def test_a_course_goes_on_as_before_for_a_while():
    assert Course(ALONE).expected(0.0) is None
    course = gone(ALONE, 30)
    assert course.expected(39 / 30) == pytest.approx((217, 11))
    assert course.expected(29 / 30) is None, 'it is known where it was'
    assert course.expected(29 / 30 + ALONE.seconds + 0.01) is None
    course.note(0.0, box((7, 7)))
    assert course.expected(0.1) is None, 'stamps went back: what was before is of another course'


def test_what_is_clear_must_be_seen_for_long_and_holds_half_as_long():
    assert gone(CLEAR, CLEAR.least - 1).expected(5 / 30) is None
    assert gone(CLEAR, CLEAR.least).expected(7 / 30) == pytest.approx((121, 43))
    seen = (CLEAR.newest - 1) / 30
    last = 29 / 30
    assert gone(CLEAR, 30).expected(last + 0.49 * seen) is not None
    assert gone(CLEAR, 30).expected(last + 0.51 * seen) is None


def test_a_course_from_which_places_stray_says_nothing():
    assert gone(CLEAR, 30, sideways=0.15 * 20).expected(1.0) is not None
    assert gone(CLEAR, 30, sideways=0.25 * 20).expected(1.0) is None
    assert gone(ALONE, 30, sideways=0.25 * 20).expected(1.0) is not None


def test_the_newest_places_alone_make_a_course():
    course = Course(CLEAR)
    for step in range(60):
        course.note(float(step), box((100.0 if step < 40 else 100 + 2 * (step - 40), 50.0)))
    assert course.expected(60.0) == pytest.approx((140, 50))
    course.clear()
    assert course.expected(61.0) is None
