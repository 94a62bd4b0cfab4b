"""What is in the cache serves when the Hub cannot, and what cannot serve is said."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import skops.io
from hub_machine import Machine
from hub_model import REPO, downloaded, logged, pull, pull_logged, push, refused
from running_app import ROOT
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ser.errors import ModelFormatError, UntrustedModelError
from ser.storage.folder import MAX_BYTES, read_model_folder


def pull_in_threads():
    """Pull at the same time in eight threads; return the commits and the lines in the log."""
    with logged() as lines, ThreadPoolExecutor(8) as pool:
        return {commit for _, commit in pool.map(lambda _: pull(), range(8))}, lines


def test_the_cache_serves_when_the_hub_is_away(hub, machine, files):
    commit = machine.run(push, files, tag="v1").revision
    pulled = machine.run(pull)
    machine.run(pull, revision="v1")
    hub.go_away()
    assert machine.run(pull) == pulled
    assert machine.run(pull, revision="v1") == pulled
    assert machine.run(pull, revision=commit) == pulled
    refused(machine, pull, revision="v9", match="cannot be reached.*not have all of '.*' at 'v9'")
    hub.come_back()
    hub.refuse = lambda method, path: (503, "maintenance")
    assert machine.run(pull) == pulled


def test_a_model_that_came_by_xet_is_opened_cold_cached_and_away(xet_hub, xet_machine, files):
    xet_hub.add(REPO, files)
    pulled = xet_machine.run(pull)
    assert pulled[0] == files
    assert any("/xorbs/" in request for request in xet_hub.requests)
    (snapshot,) = xet_machine.home.rglob("snapshots/*")
    store = xet_machine.home / "hub" / "blobs"
    kept = [path.resolve() for path in snapshot.rglob("*")]
    assert any(path.is_relative_to(store) for path in kept)  # each, if the library finds the time
    assert xet_machine.run(pull) == pulled
    assert read_model_folder(snapshot).files == files
    xet_hub.go_away()
    assert xet_machine.run(pull) == pulled


def test_an_upload_by_xet_that_fails_is_said_in_a_sentence(xet_hub, xet_machine, files):
    refused(xet_machine, push, files, match="^The exchange with the Hub at http.*xet-write-token")


def test_a_dangerous_model_that_came_by_xet_is_not_kept(xet_hub, xet_machine, files):
    evil = skops.io.dumps({"general": make_pipeline(FunctionTransformer(os.system))})
    xet_hub.add(REPO, files | {"model.skops": evil})
    refused(xet_machine, pull, kind=UntrustedModelError, match=r"'ada/voices' holds posix\.system")
    assert evil not in downloaded(xet_machine).values()


def test_a_model_that_is_too_large_is_not_downloaded(hub, machine, files):
    hub.add(REPO, files | {"large.png": bytes(MAX_BYTES)})
    refused(machine, pull, kind=ModelFormatError, match="repository 'ada/voices' have 64 MiB")
    assert not downloaded(machine)


def hang_up(method, path):
    raise ConnectionAbortedError


@pytest.mark.parametrize("part", ["/resolve/", "/tree/", "/api/"])
@pytest.mark.parametrize(
    "refuse",
    [lambda *request: (429, "slow down"), lambda *request: (503, "maintenance"), hang_up],
    ids=["429", "503", "hung up"],
)
def test_an_update_that_fails_leaves_the_copy_serving_and_one_line(
    hub, machine, files, part, refuse, request
):
    machine.run(push, files)
    pulled = machine.run(pull)
    new = {"confusion.png": request.node.name.encode()}  # huggingface_hub remembers commits
    hub.add(REPO, files | new)
    hub.refuse = lambda *request: refuse(*request) if part in request[1] else None
    hub.requests.clear()
    *served, lines = machine.run(pull_logged)
    assert tuple(served) == pulled
    assert len(lines) == 1 and "'ada/voices' is taken from the cache" in lines[0]
    assert pulled[1] in lines[0]
    assert len(hub.requests) == len(set(hub.requests)) or part == "/resolve/"
    hub.refuse = lambda *request: None
    assert machine.run(pull)[0]["confusion.png"] == new["confusion.png"]


def test_xet_storage_that_fails_leaves_the_copy_serving(xet_hub, xet_machine, files):
    xet_hub.add(REPO, files)
    pulled = xet_machine.run(pull)
    xet_machine.restart()
    xet_hub.add(REPO, files | {"confusion.png": b"\x89PNG2"})
    xet_hub.refuse = lambda method, path: (503, "maintenance") if "/xorbs/" in path else None
    *served, lines = xet_machine.run(pull_logged)
    assert tuple(served) == pulled and len(lines) == 1
    assert sum("/xorbs/" in request for request in xet_hub.requests) <= len(files)


def test_threads_that_pull_at_once_all_get_the_newest(hub, machine, files):
    hub.add(REPO, files)
    machine.run(pull)
    newest = hub.add(REPO, files | {"confusion.png": b"\x89PNG2"}).commits[-1].sha
    assert machine.run(pull_in_threads) == ({newest}, [])


def break_off_an_update(repo_id):
    """Move the branch in the cache to a commit of which it has one file, as `hf download` does."""
    from huggingface_hub import hf_hub_download

    hf_hub_download(repo_id, "README.md")


def test_half_an_update_hides_no_older_copy_but_stands_in_for_no_tag(hub, machine, files):
    machine.run(push, files, tag="v1")
    pulled = machine.run(pull)
    commit = hub.add(REPO, files | {"README.md": b"# New"}).commits[-1].sha
    hub.repos["model", REPO].tags["v2"] = commit
    machine.run(break_off_an_update, REPO)
    hub.go_away()
    assert machine.run(pull) == pulled
    assert machine.run(pull, revision="main") == pulled
    assert machine.run(pull, local_files_only=True) == pulled
    for revision in (commit, "v1", "v2"):
        refused(machine, pull, revision=revision, match=f"not have all of .* at '{revision}'")


@pytest.mark.parametrize("name", ["model.skops", "metrics.json"])
def test_what_a_crash_left_is_fetched_again(hub, machine, files, name):
    machine.run(push, files)
    hub.add(REPO, hub.repos["model", REPO].files | {"examples/voice.flac": b"fLaC2"})
    hub.repos["model", REPO].tags["v1"] = hub.repos["model", REPO].commits[1].sha
    pulled = machine.run(pull)
    machine.run(pull, revision="v1")  # has the same file
    for path in {each.resolve() for each in machine.home.rglob(name)}:
        path.write_bytes(path.read_bytes()[:10])
    hub.go_away()
    refused(machine, pull, match="cannot be reached.*cache does not have all of 'ada/voices'")
    hub.come_back()
    assert machine.run(pull) == pulled
    hub.go_away()
    assert machine.run(pull) == pulled


def test_what_a_crash_left_of_a_picture_keeps_no_update_from_coming(hub, machine, files):
    machine.run(push, files)
    machine.run(pull)
    (picture,) = {each.resolve() for each in machine.home.rglob("confusion.png")}
    picture.write_bytes(picture.read_bytes()[:3])  # the older copy still serves
    newest = hub.add(REPO, files | {"examples/voice.flac": b"fLaC2"}).commits[-1]
    again = f"GET /{REPO}/resolve/{newest.sha}/confusion.png"
    hub.refuse = lambda *_: (429, "slow down") if again in hub.requests else None
    assert "is taken from the cache" in machine.run(pull_logged)[2][0]
    assert hub.requests.count(again) == 1  # nobody waits for the next
    hub.refuse = lambda *request: None
    assert machine.run(pull_logged) == (newest.files, newest.sha, [])


@pytest.fixture
def another(hub, tmp_path):
    """Return a machine on which files of the cache are no links, as on Windows."""
    machine = Machine(hub, tmp_path, HF_HUB_DISABLE_SYMLINKS="1")
    yield machine
    machine.stop()


@pytest.mark.parametrize("name", ["config.json", "confusion.png"])
def test_what_a_crash_left_is_fetched_again_where_there_are_no_links(hub, another, files, name):
    another.run(push, files)
    pulled = another.run(pull)
    (cut,) = another.home.rglob(f"snapshots/*/{name}")
    assert not cut.is_symlink()
    cut.write_bytes(cut.read_bytes()[:3])
    assert another.run(pull_logged) == (*pulled, [])
    assert cut.stat().st_size == len(files[name])


def test_a_server_that_is_wrong_about_sizes_still_serves(hub, another, files, monkeypatch):
    entry = hub._entry
    monkeypatch.setattr(hub, "_entry", lambda *named: entry(*named) | {"size": 134})
    another.run(push, files)
    assert another.run(pull) == another.run(pull)


def test_a_token_that_cannot_be_sent_is_told_and_keeps_no_copy_from_serving(hub, machine, files):
    machine.run(push, files)
    refused(machine, pull, token="hf_é", match="token for the Hub has characters.*: log in again")
    pulled = machine.run(pull)
    assert machine.run(pull, token="hf_é") == pulled
    assert machine.run(pull, token="hf_é", local_files_only=True) == pulled


def test_hub_away_and_nothing_cached(hub, machine):
    hub.go_away()
    refused(machine, pull, match="cannot be reached at http.*cache does not have all of 'ada/")


def test_hub_away_and_only_some_files_cached(hub, machine, files):
    machine.run(push, files)
    machine.run(pull)
    next(path for path in machine.home.rglob("model.skops")).unlink()
    hub.go_away()
    refused(machine, pull, match="cannot be reached.*cache does not have all of 'ada/voices'")


def test_a_server_that_is_no_hub_is_named(hub, machine):
    hub.refuse = lambda method, path: (418, "I am a teapot")
    refused(machine, pull, match="refused this for 'ada/voices': “I am a teapot”")


def test_a_login_page_of_the_network_is_not_taken_for_the_hub(hub, machine, files):
    hub.portal = True
    for function, arguments in ((pull, ()), (push, (files,))):
        refused(machine, function, *arguments, match=f"What answers at {hub.url} is not the Hub")
    hub.portal = False
    hub.add(REPO, files)
    pulled = machine.run(pull)
    hub.portal = True
    *served, lines = machine.run(pull_logged)
    assert tuple(served) == pulled and len(lines) == 1 and "is not the Hub" in lines[0]


def pull_offline(**options):
    from huggingface_hub import constants

    constants.HF_HUB_OFFLINE = True  # as the variable does, which is read at import
    try:
        return pull_logged(**options)
    finally:
        constants.HF_HUB_OFFLINE = False


def test_offline_is_said_with_how_to_end_it(hub, machine, files):
    hub.add(REPO, files)
    refused(machine, pull_offline, match="HF_HUB_OFFLINE is set.* 'ada/voices': unset it")
    pulled = machine.run(pull)
    *served, lines = machine.run(pull_offline)
    assert tuple(served) == pulled and len(lines) == 1 and "HF_HUB_OFFLINE is set" in lines[0]


def pull_with_a_full_disk(**options):
    from resource import RLIM_INFINITY, RLIMIT_FSIZE, setrlimit

    setrlimit(RLIMIT_FSIZE, (1000, RLIM_INFINITY))
    try:
        return pull_logged(**options)
    finally:
        setrlimit(RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))


def test_a_cache_that_cannot_be_written_is_named_and_serves(hub, machine, files, tmp_path):
    hub.add(REPO, files)
    place = str(machine.home / "hub")
    refused(machine, pull_with_a_full_disk, match=f"'{place}' cannot be written .*HF_HOME")
    (tmp_path / "file").touch()
    place = str(tmp_path / "file" / "hub")
    refused(machine, pull, cache_dir=place, match=f"'{place}' cannot be written")
    pulled = machine.run(pull)
    hub.add(REPO, files | {"confusion.png": bytes(5000)})
    *served, lines = machine.run(pull_with_a_full_disk)
    assert tuple(served) == pulled and len(lines) == 1 and "cannot be written" in lines[0]


def test_a_failure_that_is_tried_again_is_said_once(hub, machine, files, tmp_path):
    hub.add(REPO, files)
    refusals = iter([(503, "busy"), (503, "busy")])

    def refuse(method, path):
        return next(refusals, None) if path.endswith("/README.md") else None

    hub.refuse = refuse
    # Without the pauses between one try and the next.
    code = "import time; time.sleep = lambda s: None; from ser.cli.main import main; "
    code += f"raise SystemExit(main(['pull', '{REPO}', {str(tmp_path / 'pulled')!r}]))"
    command = [sys.executable, "-c", code]
    said = subprocess.run(
        command, env=machine.environment, cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0
    lines = said.stderr.splitlines()
    assert sum("503" in line for line in lines) == sum("Retry" in line for line in lines) == 1


def test_where_a_model_is_looked_for(hub, machine, files, tmp_path):
    hub.add(REPO, files)
    here, elsewhere = {"cache_dir": tmp_path / "cache"}, {"cache_dir": tmp_path / "other"}
    pulled = machine.run(pull, **here)
    assert list(here["cache_dir"].glob("models--*")) and not downloaded(machine)
    refused(machine, pull, **elsewhere, local_files_only=True, match="without local_files_only")
    hub.requests.clear()
    assert machine.run(pull, **here, local_files_only=True) == pulled
    assert not hub.requests
    machine.run(pull, **here)
    assert not any("GET" in each and "/resolve/" in each for each in hub.requests)
    assert machine.run(pull, **here, force_download=True) == pulled
    fetched = {each for each in hub.requests if "GET" in each and "/resolve/" in each}
    assert len(fetched) == len(files)
    hub.go_away()
    refused(machine, pull, **here, force_download=True, match="cannot be reached .*try again")
