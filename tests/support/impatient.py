"""Wait less long for who hangs: a plugin of runs that tests start."""

from conformance.engine.database import session

session.TIMEOUTS = "SET statement_timeout = '4s'; SET lock_timeout = '2s'"  # nobody has read it yet
