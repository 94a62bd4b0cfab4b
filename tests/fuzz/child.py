"""A process of its own that makes mutants and checks them."""

import importlib
import multiprocessing
import shutil
import traceback
from pathlib import Path

import numpy as np

from tests.fuzz import KINDS
from tests.fuzz.costs import Costs

START = 60  # s in which a process may start and write its seeds


class Child:
    """A process that makes mutants and checks them, one after the other."""

    def __init__(self, kind, folder):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, kind, folder))
        self._process.start()
        theirs.close()
        self._receive(START)  # an error if its seeds are none

    def check(self, seed, index, patience):
        """Return the outcome (None for a crash or a hang), processor time and peak memory."""
        try:
            self._pipe.send((seed, index))
            return self._receive(patience)
        except (EOFError, OSError):
            self.stop()
            return None, 0.0, 0

    def _receive(self, patience):
        if not self._pipe.poll(patience):
            raise TimeoutError  # which is an OSError
        return self._pipe.recv()

    def stop(self):
        """End the process."""
        self._process.kill()
        self._process.join()


def serve(pipe, kind, folder):
    """Make and check mutants as the parent asks for them; runs in the child."""
    module = importlib.import_module(KINDS[kind])
    good = Path(folder, "seeds")
    good.mkdir(exist_ok=True)
    seeds = module.seeds(good)
    mutant = Path(folder, "mutant")
    module.check(seeds[0])  # imports what it needs, which is not a mutant's cost
    pipe.send("ready")
    costs = Costs()
    while True:
        try:
            seed, index = pipe.recv()
        except EOFError:
            return
        if mutant.is_dir():
            shutil.rmtree(mutant)
        mutant.unlink(missing_ok=True)
        rng = np.random.default_rng([seed, index])
        costs.start()
        try:
            module.mutate(rng, seeds[rng.integers(len(seeds))], mutant)
            outcome = module.check(mutant)
        except Exception:
            outcome = traceback.format_exc()
        pipe.send((outcome, *costs.stop()))
