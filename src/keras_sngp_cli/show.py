"""`keras-sngp show`: what a classifier's file says about itself."""

import json
from pathlib import Path

import click

from keras_sngp_cli.own_data_options import FILE, import_for_own_data
from keras_sngp_cli.plain_errors import plain_errors
from keras_sngp_cli.text_tables import print_table


@click.command()
@click.argument("model", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(model: Path, as_json: bool) -> None:
    """Show what a classifier was trained on: its columns, classes, network, rows and versions."""
    with plain_errors():
        import_for_own_data(None)
        from keras_sngp.own_data.classifier_file import describe_file
        from keras_sngp.own_data.descriptions import classifier_tables

        content, inputs = describe_file(model)
        if as_json:
            click.echo(json.dumps(content, indent=2))
            return
        for table in classifier_tables(content, inputs):
            print_table(table, of_words=True)
