"""Coupons of campaigns: pools of codes, who gets which, and redeeming them."""
