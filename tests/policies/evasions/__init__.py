"""Documents that would break a rule of the pipeline and try to be overlooked, by family.

Each family is a module with a table `EVASIONS`: what is tried, and how it changes a copy of the
project's own stack. All of them have to be refused, by a verdict and never by a crash.
"""
