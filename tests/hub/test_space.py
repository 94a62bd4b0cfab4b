"""A Space gets settings that it understands and the files that it runs, and nothing else."""

import io
import shutil
from pathlib import Path

import pytest
import yaml
from hub_model import run_command

from ser.errors import HubError, ModelNotFoundError, SpaceError
from ser.hub.space import ROOT, read_settings, render_space
from ser.storage.audit import REQUIRED_FILES

SPACE = "ada/demo"
MODEL = "ada/voices"


@pytest.fixture
def project(tmp_path):
    """A project like this one, with less in it."""
    shutil.copy(ROOT / "space.yaml", tmp_path)
    (tmp_path / "app.py").write_text("print('demo')")
    version = yaml.safe_load((ROOT / "space.yaml").read_text())["sdk_version"]
    (tmp_path / "requirements.txt").write_text(f"av==1.0\ngradio=={version}\n")
    for name in (
        "ser/__init__.py",
        "ser/demo/styles/base.css",
        "tests/test_x.py",
        "data/clip.flac",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "ser/__pycache__").mkdir()
    (tmp_path / "ser/__pycache__/x.pyc").write_text("")
    (tmp_path / "ser/.env").write_text("HF_TOKEN=hf_secret")
    return tmp_path


@pytest.fixture
def model(hub):
    """The model that is served, on the Hub."""
    hub.add("ada/other", dict.fromkeys(REQUIRED_FILES, b""))
    return hub.add(MODEL, dict.fromkeys(REQUIRED_FILES, b""))


def change(project, **settings):
    path = project / "space.yaml"
    current = yaml.safe_load(path.read_text()) | settings
    path.write_text(yaml.safe_dump({k: v for k, v in current.items() if v is not None}))


def deploy(root, **options):
    from ser.hub.space import deploy_space

    return deploy_space(SPACE, root=Path(root), **{"model": MODEL} | options)


def run_and_log(*argv):
    """Run a command and return what it logs."""
    import logging

    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logging.getLogger("ser").addHandler(handler)
    assert run_command(*argv)[0] == 0
    logging.getLogger("ser").removeHandler(handler)
    return text.getvalue()


def test_the_settings_of_this_project_are_right():
    settings = read_settings()
    assert settings["sdk"] == "gradio" and settings["app_file"] == "app.py"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("sdk_version", "5.0.0", "the gradio that requirements.txt pins"),
        ("sdk_version", 6.31, "the gradio that requirements.txt pins"),
        ("sdk", "streamlit", "gradio"),
        ("python_version", 3.12, '"3.11" or later, in quotes'),
        ("python_version", "3.10", '"3.11" or later, in quotes'),
        ("colorFrom", "violet", "red, yellow, green, blue, indigo, purple, pink, gray"),
        ("colorTo", ["red"], "red, yellow, green, blue, indigo, purple, pink, gray"),
        ("app_file", "main.py", "app.py"),
        ("emoji", "microphone", "one emoji"),
        ("models", ["no repository"], "a list of OWNER/NAME"),
        ("short_description", "x" * 61, "at most 60 characters"),
        ("title", None, "some text"),
        ("colour", "red", "known keys are title, emoji, colorFrom"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(project, key, value, allowed):
    change(project, **{key: value})
    with pytest.raises(SpaceError) as caught:
        render_space(MODEL, project)
    message = str(caught.value)
    assert f"{key}" in message and allowed in message and "\n" not in message


@pytest.mark.parametrize("text", ["a: [", "- a list", ""])
def test_something_else_than_settings_is_refused(project, text):
    (project / "space.yaml").write_text(text)
    with pytest.raises(SpaceError, match=r"space\.yaml"):
        render_space(MODEL, project)
    (project / "space.yaml").unlink()
    with pytest.raises(SpaceError, match="deploy from a clone"):
        render_space(MODEL, project)


def test_a_model_that_is_no_repository_is_refused(project):
    with pytest.raises(SpaceError, match=r"'model' is not a model name: give OWNER/NAME"):
        render_space("model", project)


def test_an_app_that_is_not_there_is_refused(project):
    (project / "app.py").unlink()
    with pytest.raises(SpaceError, match=r"app\.py, which must be there"):
        render_space(MODEL, project)


def test_a_space_holds_what_it_runs(project):
    files = render_space(f"{MODEL}@v1", project)
    assert files.keys() == {
        "README.md", "app.py", "requirements.txt", "ser/__init__.py", "ser/demo/styles/base.css"
    }  # fmt: skip
    settings = yaml.safe_load(files["README.md"].decode().split("---\n")[1])
    assert settings == read_settings(project) | {"models": [MODEL]}
    assert isinstance(settings["python_version"], str)


def test_deploying_creates_a_space_with_its_model(hub, machine, model, project):
    published = machine.run(deploy, project)
    space = hub.repos["space", SPACE]
    assert published.url == f"{hub.url}/spaces/{SPACE}"
    assert space.sdk == "gradio" and space.variables == {"SER_MODEL": MODEL}
    assert space.files.keys() - {".gitattributes"} == render_space(MODEL, project).keys()
    assert len(space.commits) == 2 and not space.private


def test_a_space_of_something_else_is_left_alone(hub, machine, model, project):
    game = hub.add(SPACE, {"README.md": b"", "app.py": b"import game"}, kind="space")
    with pytest.raises(HubError, match=r"holds 'app.py' and has no 'ser/__init__.py'"):
        machine.run(deploy, project)
    assert len(game.commits) == 1 and not game.variables


def test_deploying_again_commits_what_changed_and_removes_what_went(hub, machine, model, project):
    machine.run(deploy, project, private=True)
    assert hub.repos["space", SPACE].private
    assert not machine.run(deploy, project).changed
    (project / "ser/demo/styles/base.css").rename(project / "ser/demo/styles/look.css")
    assert machine.run(deploy, project, model="ada/other").changed
    space = hub.repos["space", SPACE]
    assert len(space.commits) == 3 and space.variables == {"SER_MODEL": "ada/other"}
    assert (
        "ser/demo/styles/look.css" in space.files and "ser/demo/styles/base.css" not in space.files
    )


def test_a_refusal_is_passed_on_in_plain_words(hub, machine, model, project):
    hub.refuse = lambda method, path: (
        (402, "Gradio Spaces need a PRO plan.") if path == "/api/repos/create" else None
    )
    with pytest.raises(HubError, match="refused this for 'ada/demo': “Gradio Spaces need a PRO"):
        machine.run(deploy, project)
    assert ("space", SPACE) not in hub.repos


@pytest.mark.parametrize(
    ("name", "kind", "match"),
    [
        ("ada/none", HubError, "There is no repository 'ada/none'"),
        (f"{MODEL}@v9", HubError, "'ada/voices' has no revision 'v9'"),
        ("ada/words", ModelNotFoundError, "'ada/words' is not a model of ser: it has no model.sk"),
    ],
)
def test_a_space_is_made_only_for_a_model(hub, machine, model, project, name, kind, match):
    hub.add("ada/words", {"README.md": b""})
    with pytest.raises(kind, match=match):
        machine.run(deploy, project, model=name)
    assert ("space", SPACE) not in hub.repos


def test_how_a_space_reads_a_private_model_is_said_until_it_can(hub, machine, model):
    model.private = True
    said = machine.run(run_and_log, "deploy", SPACE, "--model", MODEL)
    assert "'ada/voices' is private" in said and "add a secret named HF_TOKEN" in said
    assert f"{hub.url}/spaces/{SPACE}/settings" in said
    hub.repos["space", SPACE].secrets["HF_TOKEN"] = "hf_ada"
    assert not machine.run(run_and_log, "deploy", SPACE, "--model", MODEL)
    assert hub.repos["space", SPACE].variables == {"SER_MODEL": MODEL}


def test_what_is_missing_is_said_if_only_the_files_are_up(hub, machine, model, project):
    hub.refuse = lambda method, path: (503, "busy") if path.endswith("/variables") else None
    with pytest.raises(HubError) as caught:
        machine.run(deploy, project)
    message = str(caught.value)
    assert f"The files are up at {hub.url}/spaces/{SPACE}, but the variable SER_MODEL" in message
    assert f"set it to {MODEL} at {hub.url}/spaces/{SPACE}/settings" in message
    assert "app.py" in hub.repos["space", SPACE].files


def test_wrong_settings_never_reach_the_hub(hub, machine, project):
    change(project, sdk="static")
    with pytest.raises(SpaceError):
        machine.run(deploy, project)
    assert not hub.requests


def test_the_command_deploys_or_writes_a_folder(hub, machine, model, tmp_path):
    folder = tmp_path / "space"
    for _ in range(2):
        status, out, err = machine.run(
            run_command, "deploy", "--dry-run", SPACE, "--model", MODEL, "--output", folder
        )
        assert status == 0 and str(folder) in out and not err
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == render_space(MODEL).keys() and not hub.requests

    status, out, err = machine.run(run_command, "deploy", SPACE, "--model", MODEL)
    assert status == 0 and out.startswith(f"{hub.url}/spaces/{SPACE}") and not err
    assert hub.repos["space", SPACE].files.keys() - {".gitattributes"} == written
