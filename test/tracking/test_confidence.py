"""What doubt makes of a confidence."""

import math

import pytest

from siamx_ros.tracking.confidence import doubted


@pytest.mark.parametrize('confidence', [0.02, 0.5, 0.97])
@pytest.mark.parametrize('doubt', [0.0, 0.5, 3.0])
def test_doubt_lowers_the_logit(confidence, doubt):
    def logit(share):
        return math.log(share / (1 - share))

    assert logit(doubted(confidence, doubt)) == pytest.approx(logit(confidence) - doubt)


def test_the_ends_stay():
    assert doubted(0.0, 3.0) == 0 and doubted(1.0, 3.0) == 1
    assert math.isnan(doubted(math.nan, 1.0))
