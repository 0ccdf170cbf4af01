"""Cases that follow from a rule's declaration and from what a live schema has, whatever it is."""
