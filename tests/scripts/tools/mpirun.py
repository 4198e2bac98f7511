import sys

from interruption import say

say("mpirun", *sys.argv[1:])
