"""The system asked about changed inputs: what breaks right answers, and what mends wrong ones."""
