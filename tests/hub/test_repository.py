"""A model goes up to the Hub in one commit and comes down the same, or with one clear sentence."""

import hashlib
import json
import os

import pytest
import skops.io
from hub_model import (
    REPO,
    downloaded,
    pull,
    push,
    refused,
    run_command,
    writes,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ser.errors import (
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
    UntrustedModelError,
)
from ser.storage.folder import read_model_folder


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
        ("hf_é", REPO, "characters that no token has"),
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
