"""What is going on: what it costs, why it is slow, why it got worse, and which errors are one error."""
