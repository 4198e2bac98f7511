import sys

from common import say

say("mpirun", *sys.argv[1:])
