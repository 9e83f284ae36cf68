"""The command line: what it says, where, and with which exit code."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from services.ops.cli.main import main, sub_command
from services.ops.cli.up import data_dir_lock
from services.ops.config import settings_of
from services.ops.errors import CommandError, UsageError
from services.ops.local_tokens import duration_of
from shared.bus import eventlet_patch


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine is seen, and what a command sets is forgotten."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOBBY_")}
    monkeypatch.setattr(os, "environ", kept)
    os.environ["LOBBY_DATA_DIR"] = str(tmp_path / "data")


@pytest.fixture(autouse=True)
def patches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The process of the tests must not be patched for eventlet; that it would have been is noted."""
    noted: list[str] = []
    monkeypatch.setattr(eventlet_patch, "patch", lambda: noted.append("patched"))
    return noted


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.ops", *arguments],
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["up", "--demo"], "up"),
        (["--config", "up", "simulate"], "simulate"),
        (["--config=x", "serve", "triage"], "serve"),
        (["token", "issue", "--subject", "up"], "token"),
        (["--help"], None),
    ],
)
def test_the_sub_command_is_known_before_anything_is_imported(arguments: list[str], found: str | None) -> None:
    """Only the servers are patched for eventlet."""
    assert sub_command(arguments) == found


@pytest.mark.parametrize(("command", "times"), [("up", 1), ("serve", 1), ("simulate", 0), ("token", 0)])
def test_only_the_servers_are_patched_for_eventlet(command: str, times: int, patches: list[str]) -> None:
    """The simulator runs on asyncio, which the patch would break."""
    assert main([command, "--help"]) == 0
    assert len(patches) == times


def test_help_names_every_command_and_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """And each command's own help has an example of it."""
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    names = ("up", "serve", "simulate", "token", "db", "schema", "worklog", "journal", "dead-letters")
    assert all(name in out for name in names)
    for command in (
        ["up"], ["serve"], ["simulate"], ["token", "issue"], ["db", "upgrade"], ["schema", "export"],
        ["worklog", "export"], ["journal", "verify"], ["dead-letters", "list"], ["dead-letters", "retry"],
    ):  # fmt: skip
        assert main([*command, "--help"]) == 0
        out = capsys.readouterr().out
        assert "Example" in out
        assert "--config" in out


def test_a_command_without_arguments_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    """It's not what somebody wanted, so the exit code is 2, but there's nothing to complain of."""
    for arguments in ([], ["token"]):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert "Usage: lobby" in out
        assert err == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "--speeed", "3"], "No such option: --speeed"),
        (["serve"], "Missing argument 'SERVICE...'"),
        (["simulate", "--date", "monday"], "--date 'monday' is not a date"),
        (["simulate", "--trace", "/none.csv", "--endless"], "--endless"),
        (["token", "issue", "--role", "king", "--branch", "demo"], "unknown role king"),
        (["token", "issue", "--role", "teller", "--branch", "Demo!"], "--branch 'Demo!'"),
        (["token", "issue", "--role", "teller", "--branch", "demo", "--ttl", "soon"], "--ttl 'soon'"),
        (["db", "upgrade", "--service", "bank"], "no service is called 'bank'"),
        (["worklog", "export", "--branch", "demo", "--date", "1.2.26"], "--date '1.2.26' is not a date"),
        (["--config", "/none.yaml", "token", "issue"], "--config /none.yaml: No such file"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing on standard output, no traceback."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("lobby: ")
    assert err.count("\n") == 1
    assert words in err


def test_a_bad_setting_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """With its variable."""
    os.environ["LOBBY_QUEUES"] = "3"
    assert main(["token", "issue", "--role", "teller", "--branch", "demo"]) == 2
    assert "LOBBY_QUEUES" in capsys.readouterr().err


def test_nobody_answering_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """The address is named."""
    assert main(["journal", "verify", "--origin", "http://127.0.0.1:9"]) == 1
    assert "lobby: no answer from http://127.0.0.1:9: " in capsys.readouterr().err


def test_serve_needs_a_broker(capsys: pytest.CaptureFixture[str]) -> None:
    """Another process could not reach the memory transport."""
    from services.ops.cli.serve import run as serve
    from shared.settings import Settings

    with pytest.raises(UsageError, match="LOBBY_AMQP_URL"):
        serve(Settings(), ["triage"])


def test_a_token_and_nothing_else_is_printed(tmp_path: Path) -> None:
    """In a process of its own, as a shell script calls it; it says who, where and until when."""
    done = run(
        "token", "issue", "--role", "teller", "--role", "supervisor", "--branch", "a", "--branch", "b", "--ttl", "2h"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    public = (tmp_path / "data" / "keys" / "jwt-public.pem").read_bytes()
    claims = jwt.decode(done.stdout.strip(), public, algorithms=["EdDSA"], audience="lobby")
    assert claims["roles"] == ["supervisor", "teller"]
    assert claims["branches"] == ["a", "b"]
    assert claims["exp"] - claims["iat"] == 7200


def test_a_settings_file_is_below_the_environment(tmp_path: Path) -> None:
    """The file says one thing, a variable another: the variable wins."""
    file = tmp_path / "lobby.yaml"
    file.write_text("amqp_url: amqp://broker\norigin: http://lobby.example\nopen_pages: true\nqueues: 8\n")
    os.environ["LOBBY_ORIGIN"] = "http://here"
    settings = settings_of(file)
    assert (settings.amqp_url, settings.origin, settings.open_pages, settings.queues) == (
        "amqp://broker", "http://here", True, 8,
    )  # fmt: skip


def test_a_settings_file_is_taken_before_and_after_the_sub_command(tmp_path: Path) -> None:
    """`--config` is accepted everywhere."""
    file = tmp_path / "lobby.yaml"
    file.write_text(f"data_dir: {tmp_path / 'elsewhere'}\n")
    del os.environ["LOBBY_DATA_DIR"]
    issue = ("token", "issue", "--role", "teller", "--branch", "demo")
    assert run("--config", str(file), *issue).returncode == 0
    assert (tmp_path / "elsewhere" / "keys").is_dir()
    assert run(*issue, "--config", str(file)).returncode == 0
    assert not Path("data/keys/jwt-private.pem").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [("amqp: x\n", "no setting is called 'amqp'"), ("- a\n", "a mapping"), ("a: [\n", "not YAML")],
)
def test_a_settings_file_that_says_nonsense_is_refused(tmp_path: Path, content: str, words: str) -> None:
    """With the file's name."""
    file = tmp_path / "lobby.yaml"
    file.write_text(content)
    with pytest.raises(UsageError, match=words):
        settings_of(file)


def test_a_duration_is_a_number_and_a_unit() -> None:
    """Zero is none."""
    assert duration_of("90s") == timedelta(seconds=90)
    assert duration_of("7d") == timedelta(days=7)
    with pytest.raises(UsageError):
        duration_of("0h")


def test_a_data_directory_has_one_holder(tmp_path: Path) -> None:
    """The second is told who holds it; it's free again when the first has ended, however it ended."""
    directory = tmp_path / "data"
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, pathlib\nfrom services.ops.cli.up import data_dir_lock\n"
         "with data_dir_lock(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n sys.stdin.read()",
         str(directory)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CommandError, match=f"process {holder.pid}"), data_dir_lock(directory):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with data_dir_lock(directory):
        assert (directory / "lobby.lock").read_text() == f"{os.getpid()}\n"


def test_a_data_directory_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    """A file is in the way."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="LOBBY_DATA_DIR"), data_dir_lock(tmp_path / "file" / "data"):
        pass


def test_the_exported_schemas_are_the_contracts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each printed file is there; every event type has its schema."""
    from shared.contracts.catalog import registry

    assert main(["schema", "export", "--out", str(tmp_path / "schema")]) == 0
    printed = [Path(line) for line in capsys.readouterr().out.split()]
    assert all(file.is_file() for file in printed)
    assert {file.stem for file in printed if file.parent.name == "events"} == set(registry.all_types())
    assert (tmp_path / "schema" / "envelope.json") in printed
    openapi = json.loads((tmp_path / "schema" / "openapi.json").read_text())
    assert "/v1/branches/{b}/tickets" in openapi["paths"]
    assert json.loads((tmp_path / "schema" / "asyncapi.json").read_text())["asyncapi"].startswith("3.0")


def test_starting_is_fast_enough_for_a_shell() -> None:
    """`lobby --help` imports neither SQLAlchemy nor a broker's client nor a web framework."""
    code = (
        "import sys\nfrom services.ops.cli.main import main\nmain(['token', 'issue', '--help'])\n"
        "print(sorted({'sqlalchemy', 'kombu', 'nameko', 'eventlet', 'aiohttp', 'alembic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_ctrl_c_ends_a_simulation_that_nobody_answers(tmp_path: Path) -> None:
    """It is repeating its first call by then."""
    child = subprocess.Popen(
        [sys.executable, "-m", "services.ops", "simulate", "--origin", "http://127.0.0.1:9"],
        env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    keys = tmp_path / "data" / "keys" / "jwt-public.pem"
    try:
        for _ in range(200):
            if keys.exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.05)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=10)
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == 130
    assert out == ""
    assert err.startswith("lobby: interrupted")
    assert err.count("\n") == 1


def test_a_child_simulation_ends_with_its_parent_even_before_its_first_answer() -> None:
    """However the parent ended: nobody is left to end the child."""
    child = subprocess.Popen(
        [sys.executable, "-m", "services.ops", "simulate", "--endless", "--origin", "http://127.0.0.1:9",
         "--parent", str(os.getppid())],
        env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _, err = child.communicate(timeout=20)
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == 130
    assert err.startswith("lobby: interrupted")
