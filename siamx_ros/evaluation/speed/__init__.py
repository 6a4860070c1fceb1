"""How long everything takes on this machine, and what the machine could do."""
