"""What a campaign earned: arms as they were drawn, what each did, the difference and how sure it is."""
