"""The part of Langfuse's public API that its SDK uses most, so that a program written for it runs against Rowen."""
