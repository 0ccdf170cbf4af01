# The suite for jobs that have no Python. Mount the repository that holds the migrations:
#   docker build --tag framecast-conformance .
#   docker run --rm --volume "$PWD:/work" framecast-conformance test --migrations db/migrations
# PostgreSQL comes with the wheel, and works for root too. `--user 1000` is a user that the image knows: one
# that it does not know may start no server.
FROM python:3.12-slim

COPY pyproject.toml README.md LICENSE constraints.txt /framecast/
COPY conformance /framecast/conformance
COPY framecast_conformance /framecast/framecast_conformance
COPY strategies /framecast/strategies
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action ignore \
    --constraint /framecast/constraints.txt /framecast \
    && echo 'conformance:x:1000:1000::/tmp:/bin/sh' >>/etc/passwd

# Whoever runs it may have no right to write to a home.
ENV HOME=/tmp XDG_CACHE_HOME=/tmp/cache PYTHONDONTWRITEBYTECODE=1
WORKDIR /work
ENTRYPOINT ["framecast-conformance"]
CMD ["--help"]
