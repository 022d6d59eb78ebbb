"""What the service desk sees of campaigns and offers: blocks for the staff's card of a user."""
