"""A model goes up to the Hub in one commit and comes down the same, or with one clear sentence."""

import hashlib
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import skops.io
from fake_hub import Machine
from running_app import ROOT
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ser.errors import (
    HubError,
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
    UntrustedModelError,
)
from ser.model_folder import read_model_folder, write_model_folder

REPO = "ada/voices"
CARD = """---
license: cc-by-nc-sa-4.0
---
# A model

    EmotionRecognizer.from_pretrained("model")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    x, y = np.random.default_rng(0).standard_normal((30, 4)), np.arange(30) % 2
    mlp = MLPClassifier((4,), solver="lbfgs", max_iter=300, random_state=0)
    folder = tmp_path_factory.mktemp("trained") / "model"
    write_model_folder(
        folder,
        model={"general": make_pipeline(StandardScaler(), mlp).fit(x, y)},
        config={
            "labels": ["calm", "angry"],
            "sample_rate": 24000,
            "features": {},
            "feature_hash": "0" * 16,
            "speeds": [1.0],
        },
        metrics={"protocols": {}},
        readme=CARD,
        files={
            "confusion.png": b"\x89PNG",
            "examples/metadata.csv": b"file_name\nvoice.flac\n",
            "examples/voice.flac": b"fLaC",
        },
    )
    return folder


@pytest.fixture(scope="module")
def xet_machine(session_hub, tmp_path_factory):
    """Return a machine as people have them: with Xet."""
    home = tmp_path_factory.mktemp("xet")
    machine = Machine(session_hub, home, HF_HUB_DISABLE_XET="0", HF_XET_CACHE=str(home / "chunks"))
    yield machine
    machine.stop()


@pytest.fixture
def xet_hub(hub, xet_machine):
    """Return the fake Hub, storing large files in Xet."""
    xet_machine.forget()
    hub.xet = True
    return hub


@pytest.fixture
def files(folder):
    return dict(read_model_folder(folder).files)


def push(files, repo_id=REPO, **options):
    from ser.hub import push_model

    return push_model(files, repo_id, **options)


def pull(repo_id=REPO, **options):
    from ser.hub import pull_model

    folder, commit = pull_model(repo_id, **options)
    return folder.files, commit


def pull_logged(**options):
    """Pull, and return the lines in the log as well."""
    import logging

    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        return *pull(**options), lines
    finally:
        logging.getLogger().removeHandler(handler)


def pull_in_threads():
    """Pull at the same time in eight threads; return the commits and the lines in the log."""
    import logging
    from concurrent.futures import ThreadPoolExecutor

    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        with ThreadPoolExecutor(8) as pool:
            return {commit for _, commit in pool.map(lambda _: pull(), range(8))}, lines
    finally:
        logging.getLogger().removeHandler(handler)


def run_command(*argv):
    from contextlib import redirect_stderr, redirect_stdout

    from ser.__main__ import main

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = main([str(arg) for arg in argv])
    return status, out.getvalue(), err.getvalue()


def refused(machine, function, *args, kind=HubError, match, **options):
    with pytest.raises(kind, match=match) as caught:
        machine.run(function, *args, **options)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def downloaded(machine):
    """Return name and content of every file in the machine's cache of the Hub."""
    found = [path for path in machine.home.rglob("*") if path.is_file() and "hub" in path.parts]
    return {path.name: path.read_bytes() for path in found}


def writes(hub):
    return [request for request in hub.requests if "/commit/" in request or "/repos/" in request]


def test_a_model_comes_down_as_it_went_up(hub, machine, files):
    published = machine.run(push, files)
    repo = hub.repos["model", REPO]
    assert published.url == f"{hub.url}/{REPO}"
    assert len(repo.commits) == 2 and published.revision == repo.commits[-1].sha
    pulled, commit = machine.run(pull)
    assert commit == published.revision
    assert pulled.keys() == files.keys()
    assert {name for name in files if pulled[name] != files[name]} == {"README.md"}
    assert f'from_pretrained("{REPO}")' in pulled["README.md"].decode()


def test_the_same_model_makes_no_second_commit(hub, machine, files):
    assert machine.run(push, files).changed
    again = machine.run(push, files)
    repo = hub.repos["model", REPO]
    assert not again.changed and again.revision == repo.commits[-1].sha
    assert len(repo.commits) == 2


def test_a_changed_model_is_one_commit_that_leaves_nothing_old(hub, machine, files):
    machine.run(push, files)
    hub.add(REPO, hub.repos["model", REPO].files | {"LICENSE": b"by hand"})
    del files["examples/voice.flac"]
    files["confusion.png"] = b"\x89PNG2"
    machine.run(push, files, commit_message="Train again")
    commits = hub.repos["model", REPO].commits
    assert len(commits) == 4 and commits[-1].title == "Train again"
    assert commits[-1].files.keys() == files.keys() | {".gitattributes", "LICENSE"}
    assert commits[-1].files["confusion.png"] == b"\x89PNG2"


def test_a_tag_keeps_its_revision(hub, machine, files):
    first = machine.run(push, files, tag="v1")
    files["confusion.png"] = b"\x89PNG2"
    second = machine.run(push, files)
    assert first.revision != second.revision
    assert machine.run(pull, revision="v1")[1] == first.revision
    assert machine.run(pull)[1] == second.revision
    assert machine.run(pull, revision=first.revision[:40])[0]["confusion.png"] == b"\x89PNG"


def test_a_taken_tag_publishes_nothing(hub, machine, files):
    machine.run(push, files, tag="v1")
    assert not machine.run(push, files, tag="v1").changed
    files["confusion.png"] = b"\x89PNG2"
    refused(machine, push, files, tag="v1", match="tag 'v1'.* another revision")
    refused(machine, push, files, tag="not a tag", match="'not a tag' cannot be a tag")
    assert len(hub.repos["model", REPO].commits) == 2


def test_a_tag_that_fails_is_said_and_can_be_set_again(hub, machine, files):
    hub.refuse = lambda method, path: (507, "disk full") if "/tag/" in path else None
    refused(machine, push, files, tag="v1", match="has the files, at .* but not the tag 'v1'")
    published = hub.repos["model", REPO].commits[-1].sha
    hub.refuse = lambda method, path: None
    assert not machine.run(push, files, tag="v1").changed
    assert machine.run(pull, revision="v1")[1] == published


def test_a_private_repository_is_for_its_owner(hub, machine, files):
    machine.run(push, files, private=True)
    assert hub.repos["model", REPO].private
    assert machine.run(pull)[0].keys() == files.keys()
    machine.forget()
    for token in ("hf_bob", None):
        refused(machine, pull, token=token, match="no repository 'ada/voices'.* or it is private")


def test_a_public_repository_is_not_taken_for_private(hub, machine, files):
    machine.run(push, files)
    files["confusion.png"] = b"secret"
    refused(machine, push, files, private=True, match="exists and is public")
    assert len(hub.repos["model", REPO].commits) == 2


@pytest.mark.parametrize(
    ("token", "repo_id", "match"),
    [
        (None, REPO, "no token.* `hf auth login`"),
        ("hf_wrong", REPO, "did not accept the token"),
        ("hf_bob", REPO, "not allowed"),
        ("hf_bob", "ada/new", "not allowed"),
        ("hf_ada", "no such name", "not the name of a repository: give OWNER/NAME"),
        ("hf_ada", "voices", "'voices' is not the name of a repository: give OWNER/NAME"),
    ],
)
def test_a_refused_push_changes_nothing(hub, machine, files, token, repo_id, match):
    hub.add(REPO, {"README.md": b"by hand"})
    refused(machine, push, files, repo_id, token=token, match=match)
    assert list(hub.repos) == [("model", REPO)]
    assert hub.repos["model", REPO].files == {"README.md": b"by hand"}


def test_a_refused_card_changes_nothing(hub, machine, files):
    files["README.md"] = b"---\nlicense: [1, 2]\n---\n"
    refused(machine, push, files, match="refuses the card: .*license")
    assert not hub.repos and not writes(hub)


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize(
    ("step", "answer", "match"),
    [
        ("PUT /lfs/", (507, "disk full"), "fails with status 507: .*try again"),
        ("/commit/", (507, "disk full"), "fails with status 507: .*try again"),
        ("/commit/", None, "cannot be reached .*try again"),
        ("/preupload/", (422, "Too large."), "refused this for 'ada/voices': “Too large”"),
    ],
)
def test_a_push_that_breaks_off_leaves_the_hub_as_it_was(
    hub, machine, files, existing, step, answer, match
):
    if existing:
        hub.add(REPO, {"README.md": b"by hand"})

    def break_off(method, path):
        if step in f"{method} {path}":
            if answer is None:
                raise ConnectionAbortedError
            return answer
        return None

    hub.refuse = break_off
    refused(machine, push, files, match=match)
    if existing:
        assert hub.repos["model", REPO].files == {"README.md": b"by hand"}
    else:
        assert not hub.repos


def test_a_push_that_someone_else_overtakes_changes_nothing(hub, machine, files):
    repo = hub.add(REPO, {"README.md": b"by hand"})

    def overtake(method, path):
        if "/commit/" in path:
            repo.commit("overtaking", {"README.md": b"overtaken"})

    hub.refuse = overtake
    refused(machine, push, files, match="changed by someone else.*try again")
    assert repo.files == {"README.md": b"overtaken"}


def test_missing_repositories_and_revisions_are_named(hub, machine, files):
    refused(machine, pull, match="no repository 'ada/voices'")
    machine.run(push, files)
    refused(machine, pull, revision="v9", match="'ada/voices' has no revision 'v9'")
    refused(machine, pull, token="hf_wrong", match="did not accept the token")


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
    assert (snapshot / "model.skops").resolve().is_relative_to(store)
    assert xet_machine.run(pull) == pulled
    assert read_model_folder(snapshot).files == files
    xet_hub.go_away()
    assert xet_machine.run(pull) == pulled


def test_a_dangerous_model_that_came_by_xet_is_not_kept(xet_hub, xet_machine, files):
    evil = skops.io.dumps({"general": make_pipeline(FunctionTransformer(os.system))})
    xet_hub.add(REPO, files | {"model.skops": evil})
    refused(xet_machine, pull, kind=UntrustedModelError, match=r"'ada/voices' holds posix\.system")
    assert evil not in downloaded(xet_machine).values()


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


def test_an_upload_by_xet_that_fails_is_said_in_a_sentence(xet_hub, xet_machine, files):
    refused(xet_machine, push, files, match="^The exchange with the Hub at http.*xet-write-token")


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


def test_hub_away_and_nothing_cached(hub, machine):
    hub.go_away()
    refused(machine, pull, match="cannot be reached at http.*cache does not have all of 'ada/")


def test_hub_away_and_only_some_files_cached(hub, machine, files):
    machine.run(push, files)
    machine.run(pull)
    next(path for path in machine.home.rglob("model.skops")).unlink()
    hub.go_away()
    refused(machine, pull, match="cannot be reached.*cache does not have all of 'ada/voices'")


def test_files_of_no_model_are_not_downloaded(hub, machine, files):
    machine.run(push, files)
    hub.add(REPO, hub.repos["model", REPO].files | {"evil.py": b"import os", "x/evil.png": b"2"})
    assert machine.run(pull)[0].keys() == files.keys()
    assert not any(content in (b"import os", b"2") for content in downloaded(machine).values())
    assert "evil.py" not in downloaded(machine)


def test_a_model_with_a_foreign_type_is_refused_and_not_kept(hub, machine, files):
    evil = skops.io.dumps({"general": make_pipeline(FunctionTransformer(os.system))})
    config = json.loads(files["config.json"]) | {"sha256": hashlib.sha256(evil).hexdigest()}
    hub.add(REPO, files | {"model.skops": evil, "config.json": json.dumps(config).encode()})
    for _ in range(2):
        refused(machine, pull, kind=UntrustedModelError, match=r"'ada/voices' holds posix\.system")
        assert evil not in downloaded(machine).values()


def test_another_kind_of_repository_is_refused_before_downloading(hub, machine):
    hub.add(REPO, {"config.json": b"{}", "README.md": b"", "pytorch_model.bin": b"weights"})
    refused(
        machine, pull, kind=ModelNotFoundError, match=r"not a model of ser: it has no model\.sk"
    )
    assert not downloaded(machine)
    skops_repository = {"model.skops": b"", "config.json": b'{"sklearn": {}}', "README.md": b""}
    hub.add(REPO, skops_repository)
    refused(machine, pull, kind=ModelNotFoundError, match="not a model of ser: it has no metrics")
    hub.add(REPO, skops_repository | {"metrics.json": b"{}"})
    refused(machine, pull, kind=ModelFormatError, match="version None: it is not a model of ser")


def test_an_altered_model_and_an_older_format_are_refused(hub, machine, files):
    hub.add(REPO, files | {"model.skops": files["model.skops"] + b"\0"})
    refused(machine, pull, kind=ModelIntegrityError, match="'ada/voices'.* altered")
    config = json.loads(files["config.json"]) | {"format_version": 0}
    hub.add(REPO, files | {"config.json": json.dumps(config).encode()})
    refused(machine, pull, kind=ModelFormatError, match="'ada/voices'.* version 0.*train it again")


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
    command = [sys.executable, "-m", "ser", "pull", REPO, str(tmp_path / "pulled")]
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


def test_a_branch_and_a_pull_request_leave_the_main_branch_alone(hub, machine, files):
    before = machine.run(push, files)
    assert not machine.run(push, files, branch="same").changed
    files["confusion.png"] = b"\x89PNG2"
    branch = machine.run(push, files, branch="trial")
    assert machine.run(push, files, branch="trial").revision == branch.revision
    assert branch.url == before.url
    assert machine.run(pull, revision="trial")[1] == branch.revision
    assert machine.run(pull, revision="same")[1] == before.revision
    proposed = machine.run(push, files, create_pr=True)
    assert proposed.url == f"{hub.url}/{REPO}/discussions/1"
    assert machine.run(pull, revision="refs/pr/1")[1] == proposed.revision
    assert machine.run(pull)[1] == before.revision
    refused(machine, push, files, create_pr=True, tag="v1", match="pull request cannot have a tag")
    hub.refuse = lambda method, path: (507, "disk full") if "/commit/" in path else None
    files["confusion.png"] = b"\x89PNG3"
    refused(machine, push, files, branch="new", match="status 507")
    assert "new" not in hub.repos["model", REPO].branches


def test_push_and_pull_commands(hub, machine, folder, tmp_path):
    status, out, _ = machine.run(run_command, "push", folder, REPO, "--private", "--tag", "v1")
    revision = hub.repos["model", REPO].tags["v1"]
    assert status == 0 and f"{hub.url}/{REPO}" in out and revision in out
    status, out, _ = machine.run(run_command, "pull", REPO, "--revision", "v1", tmp_path / "pulled")
    assert status == 0 and revision in out
    pulled = read_model_folder(tmp_path / "pulled")
    assert pulled.files["model.skops"] == (folder / "model.skops").read_bytes()
    status, out, err = machine.run(run_command, "pull", "ada/none", tmp_path / "none")
    assert status == 1 and not out and err.startswith("error: There is no repository")
    assert not (tmp_path / "none").exists()


def test_a_server_with_other_content_ids_gets_no_second_commit_either(hub, machine, files):
    hub.blob_id = lambda content: hashlib.sha1(content).hexdigest()
    machine.run(push, files)
    assert not machine.run(push, files).changed
    files["metrics.json"] = files["metrics.json"].replace(b"protocols", b"PROTOCOLS")
    assert machine.run(push, files).changed
