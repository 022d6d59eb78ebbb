"""Past campaigns from files: what was run elsewhere, to whom it went, and its coupons."""
