"""The policies, one a file; also loadable by plain Checkov with --external-checks-dir."""
