"""The suite under many seeds: what one run would find only by luck."""
