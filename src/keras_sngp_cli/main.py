"""The command and its subcommands."""

import click

from keras_sngp_cli.evaluate import evaluate
from keras_sngp_cli.moons.command import moons
from keras_sngp_cli.predict import predict
from keras_sngp_cli.report import report
from keras_sngp_cli.show import show
from keras_sngp_cli.train import train


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="keras-sngp")
def main() -> None:
    """Deep classifiers that know when they do not know."""


for command in (train, predict, evaluate, show, report, moons):
    main.add_command(command)
