"""From profiles to action: audiences, and what is made of them."""
