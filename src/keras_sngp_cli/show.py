"""`keras-sngp show`: what a classifier's file says about itself."""

import json
from pathlib import Path

import click

from keras_sngp_cli.messages import plain_errors, print_table, start_keras
from keras_sngp_cli.options import FILE, json_option


@click.command()
@click.argument("model", type=FILE)
@json_option("it")
def show(model: Path, as_json: bool) -> None:
    """Show what a classifier was trained on: its columns, classes, network, rows and versions."""
    with plain_errors():
        start_keras(None)
        from keras_sngp.own_data.classifier_file import describe_file
        from keras_sngp_cli.descriptions import classifier_tables

        content, inputs = describe_file(model)
        if as_json:
            click.echo(json.dumps(content, indent=2))
            return
        for table in classifier_tables(content, inputs):
            print_table(table, of_words=True)
