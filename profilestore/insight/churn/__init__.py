"""Who is likely to stop buying, and why."""
