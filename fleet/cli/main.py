"""``mfh``: up, demo, provision, smoke, execute, run, helpers, executions, connections."""

from __future__ import annotations

import typer

from fleet.cli import connections, executions, helpers, stack

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The MyFusion helper fleet.")
app.command()(stack.up)
app.command()(stack.demo)
app.command()(stack.provision)
app.command()(stack.smoke)
app.command()(executions.execute)
app.command(name="run")(helpers.run)
app.add_typer(helpers.app, name="helpers", help="Helper types: list, show, new.")
app.add_typer(executions.app, name="executions", help="Executions: list, show.")
app.add_typer(connections.app, name="connections", help="CRM connections: list, test, convert-lists.")

if __name__ == "__main__":
    app()
