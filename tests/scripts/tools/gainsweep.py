"""The program: says where and how it was started, and ends with CODE."""

import os
import sys

from interruption import say

say("program", os.getcwd(), *sys.argv[1:])
sys.exit(int(os.environ.get("CODE", "0")))
