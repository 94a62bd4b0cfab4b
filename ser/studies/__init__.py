"""Studies of the recogniser: comparison, robustness, voice profiles, ablation and search.

They use the code of training unchanged. Each study is a module with

- ``TITLE`` and ``ABOUT``, for the reader of its tables,
- ``ROWS``, the rows that can be selected by name,
- ``run(options)``, which yields the figures of one row after another,
- ``tables(results)``, which lays the figures out.
"""
