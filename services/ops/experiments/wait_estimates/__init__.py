"""How good the promised waits would have been: an observed history, played through the estimator (T9)."""
