"""The Anthropic-shaped doors."""
