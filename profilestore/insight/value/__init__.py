"""Value: RFM scores, tiers and lifetime value."""
