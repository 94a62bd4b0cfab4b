"""How fast, small and steady it all is, on the machine at hand: `python -m benchmarks`.

Each benchmark is a module with a function `run`, which returns a table. What is compared in a table
is measured in one run, side by side, so that whatever else the machine does affects all alike.
"""
