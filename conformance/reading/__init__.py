"""What no write can find is read: what guards ask, and what functions do, from their text."""
