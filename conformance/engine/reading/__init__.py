"""Reading of guards and functions from their text, for what no write can find."""
