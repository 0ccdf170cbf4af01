"""Make failing examples smaller in fewer steps: a plugin of runs that tests start."""

from hypothesis.internal.conjecture import engine

engine.MAX_SHRINKS = 20  # read before each step
