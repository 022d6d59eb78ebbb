"""How good an answer is: splits, metrics, peers, and whether a difference is more than chance."""
