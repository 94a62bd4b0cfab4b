"""BLAS has one thread while any of ours computes, and what the user set afterwards."""

import threading

import numpy as np
import pytest
import threadpoolctl

from ser.threads import one_thread


def threads():
    """Return how many threads each BLAS library may use."""
    found = threadpoolctl.threadpool_info()
    return {each["num_threads"] for each in found if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _two_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield


def test_what_was_set_is_restored_even_by_an_error():
    @one_thread()
    def fail():
        assert threads() == {1}
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
        assert threads() == {2}


def test_threads_may_leave_in_any_order():
    entered, leave = threading.Barrier(2), threading.Event()

    def stay():
        with one_thread():
            entered.wait()
            leave.wait()

    other = threading.Thread(target=stay)
    with one_thread():
        other.start()
        entered.wait()
    assert threads() == {1}  # the other one, which entered second, is still inside
    leave.set()
    other.join()
    assert threads() == {2}
