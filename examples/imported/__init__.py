"""A shop of tables only: what `init` derives from a catalogue, with no line written by hand."""
