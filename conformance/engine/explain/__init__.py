"""Rules on the command line: `rules` lists them, `explain` shows all there is of one."""
