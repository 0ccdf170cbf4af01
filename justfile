# What the project is worked with. `just` alone lists it.

# Arguments arrive as they were given, quotes and all.
set positional-arguments := true

# The project's own environment is used without being activated.
export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

# List these recipes.
[private]
default:
    @just --list --unsorted

# Run the migrations that $DATABASE_URL has no record of.
migrate *arguments:
    @python -m conformance migrate "$@"

# Prove the schema against its rules: one verdict a rule.
conformance *arguments:
    @pytest conformance "$@"

# Test the suite itself.
test *arguments:
    @pytest tests "$@"

# Check the style and the types of everything; changes nothing.
lint:
    ruff check
    ruff format --check
    mypy
    sqlfluff lint --disable-progress-bar migrations
    squawk migrations/*.sql

# Mend what the linters can mend by themselves.
fmt:
    ruff check --fix-only --quiet
    ruff format --quiet
    sqlfluff fix --disable-progress-bar migrations

# Measure: `just bench NAME` runs benchmarks/NAME.py; without a name, list them.
bench name="" *arguments:
    @if [ $# -gt 0 ] && [ -n "$1" ]; then script=$1; shift; python "benchmarks/$script.py" "$@"; \
    else ls benchmarks | sed -n 's/\.py$//p'; fi
