"""What can be measured about a picture, and what a marketplace wants of it."""
