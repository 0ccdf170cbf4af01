"""Layers of the suite, as far as tests keep them."""

# What knows the domain neither by itself nor by way of others.
KNOW_NO_FRAMECAST = (
    "engine",
    "plugin",
    *("test_corpus", "test_enforcement", "test_functions", "test_meeting_rules", "test_reading"),
    "test_rules",
)
