# What the project is worked with. `just` alone lists it.

# Arguments arrive as they were given, quotes and all.
set positional-arguments := true

# The project's own environment is used without being activated.
export PATH := justfile_directory() / ".venv/bin:" + env("PATH")

# List these recipes.
[private]
default:
    @just --list --unsorted

# Tell whether the pending migrations may be run on $DATABASE_URL: `just gate && just migrate`.
gate *arguments:
    @python -m conformance gate "$@"

# Run the migrations that $DATABASE_URL has no record of.
migrate *arguments:
    @python -m conformance migrate "$@"

# Ask $DATABASE_URL whether its data keep the rules, and whether the rules are enforced.
audit *arguments:
    @python -m conformance audit "$@"

# Prove the schema against its rules: one verdict a rule.
conformance *arguments:
    @pytest conformance "$@"

# The suite under N seeds of its own, a line each: `just seeds 10 --first 7 -k inv_t2__`.
seeds n="10" *arguments:
    @n=$1; shift; python -m conformance seeds "$n" "$@"

# Seeds, races and mutants in shards, on all cores or a cluster: `just campaign --workers 4 --seeds 10`.
campaign *arguments:
    @python -m conformance campaign "$@"

# Mutate the schema, and show what the suite does not notice: `just mutants inv_t2__` for one rule.
mutants *arguments:
    @python -m conformance mutants "$@"

# Test the suite itself.
test *arguments:
    @pytest tests "$@"

# The schema under the libraries that applications use, in an environment of their own.
clients *arguments:
    @tox -q -e clients -- "$@"

# Look at the page of a report in Chromium, which the system has to have.
browser *arguments:
    @tox -q -e browser -- "$@"

# Run the suite whole on schemas as others would have them: `just variations label` for some.
variations *arguments:
    @python -m tests.planted.variations "$@"

# Load: many clients at full speed for so many seconds, then all oracles; --kill crashes the server.
soak seconds="60" *arguments:
    @seconds=$1; shift; python -m conformance soak --seconds "$seconds" "$@"

# Check the style and the types of everything; changes nothing.
lint:
    ruff check
    ruff format --check
    mypy
    lint-imports
    sqlfluff lint --disable-progress-bar migrations
    squawk migrations/*.sql
    hadolint Dockerfile

# Mend what the linters can mend by themselves.
fmt:
    ruff check --fix-only --quiet
    ruff format --quiet
    sqlfluff fix --disable-progress-bar migrations

# Write anew which versions CI installs: what pyproject.toml asks for, as it is published today.
lock:
    @tox -q -e lock

# Build the documentation as a site, in the folder site/; `just site serve` shows it while it is written.
site command="build":
    @mkdocs "$1" --strict --quiet

# Measure: `just bench NAME` runs benchmarks/NAME.py; without a name, list them.
bench name="" *arguments:
    @if [ $# -gt 0 ] && [ -n "$1" ]; then script=$1; shift; python "benchmarks/$script.py" "$@"; \
    else ls benchmarks | sed -n 's/\.py$//p'; fi
