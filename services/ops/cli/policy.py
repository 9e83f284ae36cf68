"""``lobby policy``: the rules of a branch as a file (T2, T3, T6, T8, T11)."""

import json
from pathlib import Path
from typing import Annotated

import typer

from services.ops.cli.api import Json, Origin, Token
from services.ops.config import ConfigFile, settings_of

app = typer.Typer(name="policy", help="网点规则 The rules of a branch, as a file.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A policy file.")]
Branch = Annotated[str | None, typer.Option("--branch", help="With what this branch does differently.")]
Shown = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="A file's policy, not the running system's.")
]
Markdown = Annotated[bool, typer.Option("--markdown", help="The reference of docs/policy.md instead.")]


@app.command("check")
def check(file: File, as_json: Json = False) -> None:
    """Say everything that is wrong with a policy file, each with its line and field; exit code 2 if anything is.

    The file says only what differs from the packaged default, and under `branches:` what differs in a branch.

    Examples:

    `lobby policy check policy.yaml`

    `lobby policy check policy.yaml --json` — for editors and pipelines
    """
    from services.ops.cli.policy_source import problems_of

    policies, problems = problems_of(file)
    if as_json:
        typer.echo(json.dumps({"ok": not problems, "problems": problems}, ensure_ascii=False))
    for problem in [] if as_json else problems:
        typer.echo(f"{file}:{problem['line']}: " + ": ".join(filter(None, (problem["field"], problem["message"]))))
    if policies is not None and not as_json:
        typer.echo(f"{file}: 有效 valid, {policies.of().digest[:12]}, {len(policies.branches)} branches of its own")
    if problems:
        raise typer.Exit(2)


@app.command("show")
def show(
    branch: Branch = None,
    file: Shown = None,
    as_json: Json = False,
    origin: Origin = None,
    token: Token = None,
    config: ConfigFile = None,
) -> None:
    """Print a whole policy as YAML, every field with its value.

    With `--branch` the one that the branch is run by now, from the running system; with `--file` the
    one that a file gives; with neither the one of LOBBY_POLICY, or the packaged default.

    Examples:

    `lobby policy show > policy.yaml` — to begin from

    `lobby policy show --branch demo` — what is in force, and since when

    `lobby policy show --file policy.yaml --branch north --json`
    """
    from services.ops.cli.policy_source import in_force, policy_set_of
    from services.triage.policy_file import to_yaml

    settings = settings_of(config)
    if branch is not None and file is None:
        answer = in_force(settings, origin, token, branch)
        document, about = answer["policy"], [f"{branch}: version {answer['version']}, since {answer['since']}"]
        about += [f"from {answer['source']}, digest {answer['digest']}"]
        about += [f"its own: {', '.join(answer['overrides'])}"] if answer["overrides"] else []
        about += [f"the file is NOT followed: {line}" for line in (answer["problem"] or "").splitlines()]
    else:
        policies = policy_set_of(file or settings.policy)
        effective = policies.of(branch or "")
        answer = document = effective.document
        about = [f"from {policies.source}, digest {effective.digest}"]
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    typer.echo("\n".join(f"# {line}" for line in about))
    typer.echo(to_yaml(document), nl=False)


@app.command("diff")
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A policy file.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    branch: Branch = None,
    as_json: Json = False,
) -> None:
    """Print each field that differs between two policies; exit code 1 if any does.

    Examples:

    `lobby policy diff policy.yaml next.yaml`

    `lobby policy diff policy.yaml next.yaml --branch north --json`
    """
    from services.ops.cli.policy_source import policy_set_of
    from services.triage.policy_file import changes

    was, becomes = (policy_set_of(file).of(branch or "").document for file in (before, after))
    found = list(changes(was, becomes))
    if as_json:
        typer.echo(json.dumps([vars(change) for change in found], ensure_ascii=False))
    for change in [] if as_json else found:
        values = (json.dumps(value, ensure_ascii=False) for value in (change.before, change.after))
        typer.echo(f"{change.field}: {' → '.join(values)}")
    if found:
        raise typer.Exit(1)


@app.command("schema")
def schema(markdown: Markdown = False) -> None:
    """Print the JSON Schema of a policy file: editors complete and check with it while you write.

    Examples:

    `lobby policy schema > policy.schema.json`, and in the file's first line
    `# yaml-language-server: $schema=policy.schema.json`
    """
    from services.triage.policy import Policy
    from services.triage.policy_file import TITLES
    from shared.policy_files.schema import reference
    from shared.policy_files.schema import schema as described

    typer.echo(reference(Policy, TITLES) if markdown else json.dumps(described(Policy), ensure_ascii=False, indent=2))
