"""The ports of the functions: the only code in `lambdas` that talks to AWS."""
