"""Write a model folder of given parts, or change what is in one."""

import json

from ser.model.atomic_folder import replace_folder
from ser.model.audit import audit
from ser.model.folder import MARK, is_model_file, make_model_files


def write_model_folder(folder, *, model, **parts):
    """Write pipelines, config, metrics, card and files, after the audit."""
    files = audit(make_model_files(model, **parts), source=folder).files
    replace_folder(folder, files, is_ours=is_model_file, mark=MARK)


def edit_config(folder, **changes):
    """Change entries of ``config.json``."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
