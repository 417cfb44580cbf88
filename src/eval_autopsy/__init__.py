"""Finds out what an average score hides, and writes a receipt that proves itself."""

__version__ = "0.1.0"
