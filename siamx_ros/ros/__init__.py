"""The edge to ROS: nodes, message conversions, tools that speak to the node."""
