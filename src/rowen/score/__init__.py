"""How good was it: judgements by rules and models, what they are worth, and the rules by which traffic is judged."""
