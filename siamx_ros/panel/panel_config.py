"""Every parameter of the panel; each default is written here."""

from __future__ import annotations

from dataclasses import dataclass

from siamx_ros.node_config import ImageTopic
from siamx_ros.settings import setting
from siamx_ros.settings_files import TRACKER_NODE


@dataclass(frozen=True)
class PanelConfig(ImageTopic):
    """Parameters of the panel node."""

    host: str = setting(
        '127.0.0.1', 'address to listen on; any but a loopback one is served with a token only')
    port: int = setting(8080, 'TCP port to listen on; 0 for any free one', low=0, high=65535)
    token_file: str = setting(
        '', 'file whose first line is the token; empty for none on loopback and a new one at every '
        'start elsewhere')
    tracker: str = setting(TRACKER_NODE, 'name of the tracker node, relative to the namespace')
    follower: str = setting('follower', 'name of the follower node, relative to the namespace')
    image_rate: float = setting(
        15.0, 'images that a page gets per second at most', unit='Hz', low=0.5, high=60.0,
        live=True)
    image_width: int = setting(
        960, 'wider images are sent smaller', unit='px', low=160, high=4096, live=True)
    jpeg_quality: int = setting(
        75, 'quality of the JPEG images', low=10, high=100, live=True)
    max_viewers: int = setting(
        8, 'pages that may be open at once', low=1, high=64, live=True)
    stop_on_disconnect: bool = setting(
        False, 'stop the robot when the page that began to follow is closed, asleep or cut off',
        live=True)
