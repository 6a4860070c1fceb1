"""What a node asks of the tracker on an operator's behalf; its own executor serves the answers."""

from __future__ import annotations

from typing import Any

from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger

from siamx_ros.srv import InitTarget


class TrackerServices:
    """Clients of the tracker's services, and the topic by which it is asked to keep an image.

    Args:
        node: makes the clients.
        tracker: name of the tracker node, relative to the namespace.

    Attributes:
        init, reset, set_enabled: clients of the services of these names.
    """

    def __init__(self, node: Any, tracker: str) -> None:
        self.init = node.create_client(InitTarget, f'{tracker}/init')
        self.reset = node.create_client(Trigger, f'{tracker}/reset')
        self.set_enabled = node.create_client(SetBool, f'{tracker}/set_enabled')
        self._hold_image = node.create_publisher(Header, f'{tracker}/hold_image', 5)

    def hold_image(self, header: Header) -> None:
        """Have the image of this header kept, on which a box is being drawn."""
        self._hold_image.publish(header)
