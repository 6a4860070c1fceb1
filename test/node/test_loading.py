"""What keeps a model from being loaded is said, and the node lives."""

import sys

import pytest

from siamx_ros.msg import TrackerStatus as S
from siamx_ros.srv import InitTarget

pytestmark = pytest.mark.ros


def test_a_missing_torch_is_reported(make_rig):
    code = ('import sys; sys.modules["torch"] = None; '
            'from siamx_ros.node.tracker_node import main; sys.exit(main())')
    rig = make_rig(command=(sys.executable, '-c', code), ready=False)
    status = rig.status(S.STATE_ERROR, 60.0)
    assert 'cannot be loaded: ModuleNotFoundError' in status.message and 'torch' in status.message
    assert rig.init().error_code == InitTarget.Response.NOT_ACTIVE
    assert rig.stop() == 0


@pytest.mark.parametrize('content, words', [
    (None, 'missing.pt'), (b'', 'broken.pt'), (b'PK\x03\x04 no checkpoint', 'broken.pt')],
    ids=['missing', 'empty', 'corrupt'])
def test_weights_that_cannot_be_loaded(make_rig, tmp_path, content, words):
    path = tmp_path / words
    if content is not None:
        path.write_bytes(content)
    rig = make_rig({'model': {'weights': str(path)}}, scripted=False, ready=False)
    assert rig.probe.wait(lambda: rig.probe.heard['status'], 60)
    status = rig.status(S.STATE_ERROR)
    assert words in status.message and 'Traceback' not in rig.log
    assert rig.init().error_code == InitTarget.Response.NOT_ACTIVE
    assert rig.stop() == 0
