"""From profiles to action: audiences, campaigns, coupons, and what they earned."""
