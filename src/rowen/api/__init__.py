"""JSON doors: OpenAI- and Anthropic-shaped, health, and the management API."""
