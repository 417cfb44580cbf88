"""The evidence counted, by whatever counts it fastest.

A backend is a module NAME_cube with `count`, which makes the cube of a description of evidence and
its table of verdicts. Each is held to the kernel, which counts record by record.
"""
