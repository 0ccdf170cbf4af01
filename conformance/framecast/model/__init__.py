"""A small pure model of the domain: the judge that knows nothing of the schema.

`State` holds the rows, `rules` says which rules a state breaks, `effects` what goes along with a
change, and `moves` which moves each state machine of the domain allows.
"""

from conformance.framecast.model.state import State

__all__ = ["State"]
