# SPDX-License-Identifier: MIT
"""What the tests of exports share is what those of watching do: the first argument of each is the console."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "watch"))

from watch import *  # noqa: E402,F401,F403  pylint: disable=wrong-import-position,wildcard-import,unused-wildcard-import
