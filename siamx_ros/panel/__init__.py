"""The panel in the browser: live image, state and the operator's buttons, served by a ROS node."""
