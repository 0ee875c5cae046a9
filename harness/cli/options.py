"""Options that several verbs have, each with one meaning."""

from pathlib import Path

import click


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"'{value}': write NAME=VALUE")
    return tuple((name, value) for name, _, value in (text.partition("=") for text in values))


RUNS = click.option("--runs", type=click.Path(path_type=Path), default=None, help="Folder of the records [runs].")
WITH = click.option("--with", "variables", multiple=True, callback=_pairs, help="NAME=VALUE for the compose file.")
