"""Guards the processes that tests start; found through PYTHONPATH."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))
from tests.support.sockets import block_sockets

block_sockets()
