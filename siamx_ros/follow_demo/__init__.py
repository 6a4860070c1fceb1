"""Follow-me in a simulated world: the real tracker and follower, a robot that does not exist."""
