"""What will be sold in the next weeks."""
