"""The same handlers as one would write them on what is usual: what their cold start costs.

Each module is a whole handler of its own and is written as its library's documentation shows. They
do the plain work alone: a signature, one venue, one insert a tick or the averages of a tape.
"""
