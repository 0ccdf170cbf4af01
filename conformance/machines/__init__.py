"""State machines that live whole lives on the schema."""
