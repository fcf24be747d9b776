"""The parts of bench.py: who is measured, what is run, how it is measured, what is said about it."""
