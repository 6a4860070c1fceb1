"""From a box to directions and distances: what controllers need, without ROS."""
