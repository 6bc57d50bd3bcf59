"""For tests, ours and yours: a fault upstream, a fake clock, an echo provider. Nothing inside imports it."""
