"""A PostgreSQL server, found or brought: every source, in its order."""

import os
import re
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.postgres import (
    ProvisionError,
    Request,
    Server,
    binaries,
    container,
    folders,
    provision,
    wheels,
)
from tests.support.asking import ask, complaint

SETTINGS = {
    "database_url": ("--database-url", "CONFORMANCE_DATABASE_URL", "dbname=x"),
    "image": ("--postgres-image", "CONFORMANCE_POSTGRES_IMAGE", "postgres:17"),
    "bin_dir": ("--postgres-bin", "CONFORMANCE_POSTGRES_BIN", "/x/bin"),
    "major": ("--postgres", "CONFORMANCE_POSTGRES", "17"),
}
WANTED = {
    "database_url": Request(database_url="dbname=x"),
    "image": Request(image="postgres:17"),
    "bin_dir": Request(bin_dir=Path("/x/bin")),
    "major": Request(major=17),
}


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the cache where there is nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))  # where macOS keeps caches
    return folders.cache()


@pytest.fixture(scope="session")
def other_binaries() -> Path:
    """Return the bin directory of another major version than the embedded one."""
    return wheels.fetch(16)


@pytest.mark.parametrize("attribute", SETTINGS)
def test_an_option_names_a_source(attribute: str) -> None:
    """Each option asks for its source."""
    assert WANTED[attribute] == Request.read({attribute: SETTINGS[attribute][2]}, {})


@pytest.mark.parametrize("attribute", SETTINGS)
def test_a_variable_names_a_source(attribute: str) -> None:
    """Each environment variable asks for the source of its option."""
    _, variable, value = SETTINGS[attribute]

    assert WANTED[attribute] == Request.read({}, {variable: value})


def test_an_option_beats_every_variable() -> None:
    """An option wins over the variables, also over those of sources that come before its own."""
    environ = {variable: value for _, variable, value in SETTINGS.values()}

    assert WANTED["major"] == Request.read({"major": "17"}, environ)


def test_an_empty_variable_says_nothing() -> None:
    """A variable that is set to nothing is as if it were not set."""
    assert Request() == Request.read({}, {variable: "" for _, variable, _ in SETTINGS.values()})


def test_two_sources_exclude_each_other() -> None:
    """Two options, and two variables, are one error that names both."""
    with pytest.raises(ProvisionError, match="--postgres-image and --postgres exclude each other"):
        Request.read({"image": "postgres:17", "major": "17"}, {})
    with pytest.raises(ProvisionError, match="CONFORMANCE_DATABASE_URL and CONFORMANCE_POSTGRES "):
        Request.read({}, {"CONFORMANCE_DATABASE_URL": "x", "CONFORMANCE_POSTGRES": "17"})


def test_a_major_version_is_a_number() -> None:
    """A major version that is no number is an error that shows one."""
    with pytest.raises(ProvisionError, match=r"--postgres takes a major version .* not '17.2'"):
        Request.read({"major": "17.2"}, {})


def test_nothing_given_starts_the_embedded_wheel() -> None:
    """Without any setting, the server is the embedded wheel's, and tuned for tests."""
    with provision(Request()) as server:
        assert re.fullmatch(r"PostgreSQL \d+\.\d+, embedded wheel", server.origin)
        assert (True, True) == (server.owned, server.superuser)
        assert ["off", "off", "UTC", "UTF8"] == [
            ask(server, f"SHOW {name}") for name in ("jit", "fsync", "timezone", "server_encoding")
        ]


def test_settings_can_be_overridden() -> None:
    """A server can be started with other settings, such as durability."""
    with provision(Request(), {"fsync": "on", "deadlock_timeout": "77ms"}) as server:
        assert ["on", "77ms"] == [
            ask(server, f"SHOW {name}") for name in ("fsync", "deadlock_timeout")
        ]


def test_the_system_comes_after_the_embedded_wheel(
    monkeypatch: pytest.MonkeyPatch, other_binaries: Path
) -> None:
    """Without the wheel, the system's server is used, here the first on the PATH."""
    monkeypatch.setattr(binaries, "embedded", lambda: None)
    monkeypatch.setenv("PATH", str(other_binaries), prepend=os.pathsep)

    with provision(Request()) as server:
        assert server.origin.endswith(f", system's {other_binaries}")


def test_no_server_at_all_names_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any PostgreSQL gets one message with all the settings."""
    monkeypatch.setattr(binaries, "embedded", lambda: None)
    monkeypatch.setattr(binaries, "system", lambda: iter(()))

    message = complaint(Request())

    assert [] == [name for names in SETTINGS.values() for name in names[:2] if name not in message]


def test_a_major_version_is_found() -> None:
    """Each major version that is supported comes from wherever there is one."""
    with provision(Request(major=15)) as server:
        assert 15 == server.major


def test_the_embedded_major_is_not_fetched(no_cache: Path) -> None:
    """The major version of the embedded wheel is the embedded wheel's."""
    found = binaries.embedded()
    assert found is not None
    major = binaries.inspect(found, "").major

    with provision(Request(major=major)) as server:
        assert server.origin.endswith(", embedded wheel")
    assert [] == list(no_cache.glob("postgresql-*"))


def test_a_fetched_wheel_is_unpacked_once(no_cache: Path) -> None:
    """A wheel is downloaded and unpacked whole; the second time, the cache has it."""
    fetched = wheels.fetch(16)
    made = fetched.stat().st_ino

    assert os.access(fetched / "postgres", os.X_OK)
    assert made == wheels.fetch(16).stat().st_ino
    assert [fetched.parent] == [path for path in no_cache.iterdir() if path.is_dir()]


def test_binaries_can_be_named(other_binaries: Path) -> None:
    """A directory with the programs is a source."""
    with provision(Request(bin_dir=other_binaries)) as server:
        assert (16, True) == (server.major, server.origin.endswith(", --postgres-bin"))


def test_binaries_of_a_major_can_be_named(
    other_binaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable names the programs of a major version, and is wrong if they are of another."""
    monkeypatch.setenv("CONFORMANCE_POSTGRES_16_BIN", str(other_binaries))
    with provision(Request(major=16)) as server:
        assert server.origin.endswith(", CONFORMANCE_POSTGRES_16_BIN")

    monkeypatch.setenv("CONFORMANCE_POSTGRES_17_BIN", str(other_binaries))
    assert "CONFORMANCE_POSTGRES_17_BIN names PostgreSQL 16." in complaint(Request(major=17))


def test_a_given_server_is_used_as_it_is(server: Server) -> None:
    """The server at an address is used, not owned, and shown without its password."""
    url = make_conninfo(server.conninfo, password="open sesame")  # noqa: S106 - none is asked for

    with provision(Request(database_url=url)) as given:
        assert (server.version, False, True) == (given.version, given.owned, given.superuser)
        assert "sesame" not in repr(given)


def test_a_container_is_a_source() -> None:
    """With a container engine an image gives a server; without one a message says what to do."""
    if container.engine_answers():
        with provision(Request(image="postgres:17")) as server:
            assert "off" == ask(server, "SHOW fsync")
            assert (17, True) == (server.major, server.owned)
    else:
        assert "no container engine answers: start Docker" in complaint(
            Request(image="postgres:17")
        )


def test_no_cache_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be cached, the server starts all the same."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("HOME", str(tmp_path / "file"))

    with provision(Request()) as server:
        assert 1 == ask(server, "SELECT 1")


def test_a_ready_data_directory_is_cached(no_cache: Path) -> None:
    """The first start caches a data directory, and nothing else; the second copies it."""
    for _ in range(2):
        with provision(Request()) as server:
            assert 1 == ask(server, "SELECT 1")
        cached = [path.name for path in no_cache.iterdir() if path.is_dir()]
        assert [True] == [name.startswith("data-") for name in cached]
