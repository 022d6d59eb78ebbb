"""The loop: what was shown, what came of it, which method does better, and what follows from that."""
