"""State machines that live whole runs on the schema."""
