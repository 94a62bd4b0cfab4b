"""What cannot be published is said before anybody trains; tags and revisions are what they say."""

import pytest
from hub_model import REPO, pull, push, refused, run_command

from ser.errors import HubError
from ser.hub.errors import plain_words


def check(repo_id=REPO, **options):
    from ser.hub.targets import check_target

    check_target(repo_id, **options)


def train(*arguments):
    status, _, said = run_command("train", "--dataset", "there/is-none", *arguments)
    return status, said.splitlines()


def test_training_starts_only_if_its_model_can_be_published(hub, machine, tmp_path):
    output = tmp_path / "model"
    status, said = machine.run(train, "--output", str(output), "--push-to-hub", "bob/voices")
    assert status == 1 and len(said) == 1
    assert "not allowed to create 'bob/voices': its owner must be ada" in said[0]
    assert not hub.repos and not any("there/is-none" in request for request in hub.requests)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"tag": "not a tag"}, "'not a tag' cannot be a tag"),
        ({"tag": "v1..2"}, "'v1..2' cannot be a tag"),
        ({"tag": "main"}, "'main' cannot be a tag: it is the branch"),
        ({"tag": "v1"}, "The tag 'v1' of 'ada/voices' is taken"),
        ({"private": True}, "exists and is public"),
        ({"token": "hf_bob"}, "not allowed to write to 'ada/voices'"),
        ({"token": "hf_eve"}, "Your token may only read"),
        ({"token": "hf_wrong"}, "did not accept the token"),
        ({"token": "hf_é"}, "token for the Hub has characters that no token has: log in"),
        ({"token": None}, "no token.* `hf auth login`"),
    ],
)
def test_a_target_is_checked_without_a_change(hub, machine, options, match):
    hub.accounts["hf_eve"], hub.roles["eve"] = "eve", "read"
    repo = hub.add(REPO, {"README.md": b""})
    repo.tags["v1"] = repo.commits[-1].sha
    token = options.pop("token", "hf_ada")
    refused(machine, check, kind=HubError, match=match, token=token, **options)
    assert len(repo.commits) == 1 and list(hub.repos) == [("model", REPO)]


def test_nothing_else_is_published_over(hub, machine, files):
    bert = hub.add(REPO, {"README.md": b"", "config.json": b"{}", "model.safetensors": b"bert"})
    match = "'ada/voices' holds 'config.json' and has no 'model.skops', so it may be for something"
    refused(machine, check, kind=HubError, match=match)
    refused(machine, push, files, match=match)
    assert len(bert.commits) == 1


def test_a_fault_of_something_else_is_not_put_down_to_the_token(hub, machine, files):
    machine.run(push, files)
    refused(machine, pull, revision="v\udcff", kind=HubError, match="surrogates not allowed")


def test_a_package_that_fails_within_an_upload_is_told_in_a_sentence():
    with pytest.raises(HubError, match=r"broke off \(hf_xet: DLL load failed\)"), plain_words(REPO):
        try:
            raise ImportError("hf_xet: DLL load failed")
        except ImportError as error:
            raise RuntimeError("Error while uploading 'model.skops' to the Hub.") from error


def test_what_any_repository_may_hold_stands_in_nobodys_way(hub, machine, files):
    neutral = {".gitattributes": b"", "NOTICE": b"", "license.txt": b"", "eval.yaml": b""}
    hub.add(REPO, neutral)
    machine.run(push, files)
    assert neutral.keys() < hub.repos["model", REPO].files.keys()


def test_a_good_target_is_accepted_whether_it_is_there_or_not(hub, machine):
    machine.run(check, tag="v1")
    hub.add(REPO, {"README.md": b""})
    machine.run(check, tag="v1")
    hub.refuse = lambda method, path: (404, "unknown path") if "auth-check" in path else None
    machine.run(check)  # a server that cannot tell


def test_a_branch_is_no_tag(hub, machine, files):
    refused(machine, push, files, tag="main", match="'main' cannot be a tag")
    assert not hub.repos


def test_an_unchanged_model_can_get_another_tag_and_be_pulled_by_it(
    hub, machine, folder, tmp_path
):  # fmt: skip
    said = [
        machine.run(run_command, "push", folder, REPO, *more)[1].strip().split(": ")[-1]
        for more in (["--tag", "v1"], ["--tag", "v2"], ["--tag", "v2"], [])
    ]
    assert said == [
        "published, the tag v1 was set",
        "nothing has changed, but the tag v2 was set",
        "nothing has changed",
        "nothing has changed",
    ]
    assert hub.repos["model", REPO].tags.keys() == {"v1", "v2"}
    status, out, _ = machine.run(run_command, "pull", f"{REPO}@v2", tmp_path / "voices")
    assert status == 0 and hub.repos["model", REPO].tags["v2"] in out
    assert (tmp_path / "voices/model.skops").is_file()
