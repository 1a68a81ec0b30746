"""The command and its subcommands."""

import click

from keras_sngp_cli.moons import moons
from keras_sngp_cli.report import report


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="keras-sngp")
def main() -> None:
    """Deep classifiers that know when they do not know."""


main.add_command(moons)
main.add_command(report)
