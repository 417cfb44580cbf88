"""The command line: words, arguments and exit codes. What it shows is worked out elsewhere."""
