"""Entry points of the installed package, under a name that no other package has.

Python imports it when it starts (`last`), of which pytest is to say nothing: PYTEST_DONT_REWRITE.
"""
