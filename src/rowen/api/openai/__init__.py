"""The OpenAI-shaped doors."""
