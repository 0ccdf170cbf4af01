"""What differs between two schemas, and the rules that this may have changed."""
