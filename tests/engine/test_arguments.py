"""Arguments that several commands take."""

from pathlib import Path

import pytest

from conformance.commands import command_parser, main
from conformance.engine.arguments import PRINTED, json_of

URL = "postgresql://me@there/shop"


@pytest.mark.parametrize("command", ["audit", "status"])
@pytest.mark.parametrize(
    ("words", "file", "url"),
    [
        (["host=x"], None, "host=x"),
        (["host=x", "--json"], PRINTED, "host=x"),
        (["--json", "host=x"], PRINTED, "host=x"),
        (["--json", URL], PRINTED, URL),
        (["--json", "out.json", URL], Path("out.json"), URL),
        ([URL, "--json", "out.json"], Path("out.json"), URL),
        (["--json", "out.json"], Path("out.json"), "dbname=own"),
        (["--json", "a=b.json"], Path("a=b.json"), "dbname=own"),
    ],
)
def test_json_goes_where_it_is_sent(
    command: str, words: list[str], file: Path | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may follow the option, as it may that of the gate; an address that does is one."""
    monkeypatch.setenv("DATABASE_URL", "dbname=own")
    options = command_parser().parse_args([command, *words])

    assert file == json_of(options)
    assert url == options.url


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` needs no command, and is no mistyped one."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert 0 == ended.value.code
    assert capsys.readouterr().out.startswith("framecast-conformance 0.")
