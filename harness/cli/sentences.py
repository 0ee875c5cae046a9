"""How a verb ends: its number is the exit code, and an error of ours is a sentence on standard error."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import click

from harness.errors import INTERRUPTED, HarnessError, ScenarioError

P = ParamSpec("P")


def sentences(act: Callable[P, int]) -> Callable[P, None]:
    """Run a verb: its number is the exit code, and an error of ours is a sentence on standard error."""

    @functools.wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = act(*args, **kwargs)
        except ScenarioError as error:
            count = len(error.problems)
            click.echo(f"{error}\n{count} problem{'s' if count != 1 else ''}; {error.undone}.", err=True)
            code = error.exit_code
        except HarnessError as error:
            click.echo(str(error), err=True)
            code = error.exit_code
        except KeyboardInterrupt:
            click.echo("stopped before anything was started", err=True)
            code = INTERRUPTED
        sys.exit(code)

    return run
