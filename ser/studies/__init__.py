"""Studies: what the recogniser is compared with, what it owes to each part, what it withstands.

They use the parts of training and change none of them. Each study is a module with

- ``TITLE`` and ``ABOUT``, for the reader of its tables,
- ``ROWS``, what can be asked for by name,
- ``run(options)``, which yields the figures of one row after another,
- ``tables(results)``, which lays the figures out.
"""
