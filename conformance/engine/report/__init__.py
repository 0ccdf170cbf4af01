"""One recorder for a run: what its tests said, what that makes of each rule, and how it is shown.

`parts` tells which rules each test is part of the proof of, `causes` why a test failed, `record`
what all of that makes of the rules, `sections` what is said beside them, `about` what the run stood
on; `run` is the plugin of pytest, `terminal` prints, `rules` has the lines of the rules and the
JSON, and `versions` shows several reports side by side.
"""
