"""Users whose behaviour a person should look at."""
