"""Parts of the pytest plugin: fixtures, workers, profiles, what each kind of test records."""
