"""Amazon Bedrock: the Converse interface, which is one shape for all its models."""

from rowen.provider.bedrock.client import make
from rowen.provider.bedrock.profile import declared

__all__ = ["declared", "make"]
