"""Layers of the suite, as far as tests keep them."""

# What knows the domain neither by itself nor by way of others: the engine, as far as there is one.
KNOW_NO_FRAMECAST = (
    *("audit", "campaign", "cases", "changed", "database", "deployment", "derived", "domain"),
    *("explain", "findings", "init", "kinds"),
    *("migrate", "plugin", "postgres", "reading", "regressions", "rejections", "report", "seeds"),
    "sql",
    *("gate.changes", "gate.compare", "gate.contents", "gate.demands", "gate.lint", "gate.locks"),
    *("gate.suite", "gate.trial", "gate.unknown_data", "machines.refusals"),
    *("mutants.generate", "mutants.habits", "mutants.mutant_run", "mutants.parts"),
    *("mutants.reading", "mutants.report", "mutants.schema", "mutants.subject", "mutants.unseen"),
    *("privileges.granted", "privileges.missing"),
    *("pytest_plugin.changed", "pytest_plugin.circumstances", "pytest_plugin.environment"),
    *("pytest_plugin.findings", "pytest_plugin.fixtures"),
    *("pytest_plugin.profiles", "pytest_plugin.proof", "pytest_plugin.regressions"),
    *("pytest_plugin.replay", "pytest_plugin.role", "pytest_plugin.verdicts"),
    "pytest_plugin.workers",
    *("races.driver", "races.orders", "races.trace"),
    *("soak.faults", "soak.ledger", "soak.violation_queries"),
    *("test_corpus", "test_enforcement", "test_functions", "test_meeting_rules", "test_reading"),
    "test_rules",
)
