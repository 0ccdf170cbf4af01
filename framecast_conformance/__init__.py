"""Entry points of the installed package, under a name that no other package has."""
