"""The command line `python server.py`: reads the settings and runs a command; without one it serves."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, cast

import typer
from typer.exceptions import TyperException

from cli import secret
from cli.commands import accounts, blocks, bookings, busy, calendars, customers, feeds, slots, tokens
from cli.commands.backup import back_up, restore
from cli.commands.check import check
from cli.commands.demo import make_demo
from cli.commands.doctor import doctor
from cli.edge import serve_edge
from cli.process_log import start_log
from cli.secret import with_secret
from cli.serve import serve
from cli.settings import BadSetting, Setting, Settings, declared, unknown_variables
from models.contract.errors import Refused
from models.storage.dialect import UnusableDatabase

_log = logging.getLogger("slotcast.settings")

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="A Socket.IO server for live time slots. Without a command it serves.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(make_demo)
app.command("check")(check)
app.command("edge")(serve_edge)
app.command("backup")(back_up)
app.command("restore")(restore)
app.command("doctor")(doctor)
app.add_typer(accounts.app, name="account")
app.add_typer(tokens.app, name="token")
app.add_typer(calendars.app, name="calendar")
app.add_typer(bookings.app, name="booking")
app.add_typer(customers.app, name="customer")
app.add_typer(blocks.app, name="block")
app.add_typer(busy.app, name="busy")
app.add_typer(feeds.app, name="feed")
app.add_typer(secret.app, name="secret")
app.add_typer(slots.app, name="slot")


def _with_options(callback: Callable[..., None]) -> Callable[..., None]:
    """Give the callback an option for every setting: Typer reads them from the signature."""
    context = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    cast("Any", callback).__signature__ = Signature([context, *(_parameter(setting) for setting in declared())])
    return callback


def _parameter(setting: Setting) -> Parameter:
    option = typer.Option(
        setting.flags, envvar=setting.variable, help=setting.help, min=setting.least, max=setting.most
    )
    annotation = cast("Any", Annotated)[type(setting.default), option]
    return Parameter(setting.name, Parameter.KEYWORD_ONLY, default=setting.default, annotation=annotation)


@app.callback(invoke_without_command=True)
@_with_options
def start(context: typer.Context, **written: Any) -> None:
    """Read the settings, and serve if no command is named."""
    settings = Settings.read(written)
    start_log(settings)
    for line in unknown_variables(os.environ):
        _log.warning("%s", line)
    # An edge has no database, and no secret beside it.
    if context.invoked_subcommand != "edge":
        settings = with_secret(settings, makes_file=context.invoked_subcommand != "doctor")
    context.obj = settings
    if context.invoked_subcommand is None:
        serve(settings)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; an error is one line on standard error, and code 2."""
    try:
        code = app(arguments, standalone_mode=False)
    except typer.Abort:
        return 130
    except TyperException as error:
        problem = error.format_message()
    except (BadSetting, UnusableDatabase) as error:
        problem = str(error)
    except Refused as refusal:
        problem = f"{refusal.code}: {refusal.message}"
    except PermissionError as error:
        problem = f"{error.filename}: {error.strerror}; run it as the server's user"
    else:
        return code if isinstance(code, int) else 0
    print(f"slotcast: {problem}", file=sys.stderr)
    return 2
