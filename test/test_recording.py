import cv2
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.recording import CODECS, CsvRecorder, VideoRecorder
from siamx_ros.records import TrackResult, TrackState


def test_csv_is_exact(tmp_path):
    table = CsvRecorder(tmp_path / 'a.csv')
    table.write(0, TrackResult(BoundingBox(1, 2.5, 30.12345, 40), 1.0, TrackState.TRACKING))
    table.write(7, TrackResult(None, 0.25, TrackState.LOST))
    table.close()
    assert (tmp_path / 'a.csv').read_bytes() == (
        b'frame,x,y,w,h,confidence,state\n'
        b'0,1.000,2.500,30.123,40.000,1.000000,TRACKING\n'
        b'7,nan,nan,nan,nan,0.250000,LOST\n')


@pytest.mark.parametrize('count', [1, 2000])
def test_a_table_on_a_full_disk_is_named(count):
    """Few lines are written at the end, many before."""
    table = CsvRecorder('/dev/full')
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        for frame in range(count):
            table.write(frame, TrackResult(None, 0.25, TrackState.LOST))
        assert count == 1
        table.close()


@pytest.mark.parametrize('suffix', sorted(CODECS))
def test_video_can_be_read_back(tmp_path, suffix):
    path = tmp_path / f'a{suffix}'
    video = VideoRecorder(path, 20.0, 65, 49)
    for value in (30, 130, 230):
        video.write(np.full((49, 65, 3), value, np.uint8))
    video.close()
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(20.0)
    for value in (30, 130, 230):
        has_frame, image = capture.read()
        assert has_frame and image.shape == (48, 64, 3)
        assert float(image.mean()) == pytest.approx(value, abs=8)
    assert not capture.read()[0]


def test_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(InputError, match='nowhere'):
        CsvRecorder(tmp_path / 'nowhere' / 'a.csv')
    with pytest.raises(InputError, match='nowhere'):
        VideoRecorder(tmp_path / 'nowhere' / 'a.mp4', 30, 64, 48)
    with pytest.raises(InputError, match='a.gif'):
        VideoRecorder(tmp_path / 'a.gif', 30, 64, 48)
