"""Messages of the node and plain values, both ways; imports no ROS."""
