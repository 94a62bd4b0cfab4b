"""Mutants of good files, to see that none of them costs more than it should.

``python -m tests.fuzz --minutes 5`` runs what is in the modules that `KINDS` names. Each has

- ``seeds(folder)``: write good files or folders into a folder, and return their paths, always the
  same in the same order;
- ``mutate(rng, seed, target)``: write a mutant of a seed to a path that does not yet exist, by a
  `numpy.random.Generator` alone;
- ``check(path)``: read a mutant as users do, and return what came of it in a word or two, such as
  the name of a typed error. Any other exception is a failure;
- ``MAX_SECONDS`` and ``MAX_BYTES``: processor time and memory that a mutant may take.
"""

KINDS = {"recordings": "tests.fuzz.recordings", "models": "tests.fuzz.models"}
