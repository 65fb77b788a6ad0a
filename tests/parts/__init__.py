"""Real parts that tests start: servers that nobody here wrote, and gates in front of them."""
