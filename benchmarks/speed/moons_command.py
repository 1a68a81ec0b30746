"""The command, in a process of its own: python benchmarks/speed/moons_command.py FOLDER"""

import sys

from keras_sngp_cli.main import main

main(["moons", "--output", sys.argv[1]])
