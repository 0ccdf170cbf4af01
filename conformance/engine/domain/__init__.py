"""The domain that is tried: all that the engine knows of it, as one object."""
