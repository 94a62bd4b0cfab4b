"""The documents that people read: their code, their commands, their links."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    ROOT / "CONTRIBUTING.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "studies.md"),
]
"""All but what studies write."""


def code(path, language):
    """Return a document's blocks of code in a language, in their order."""
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(path):
    """Return a document's commands of a shell, one string each, continued lines joined."""
    lines = "".join(code(path, "bash")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def local_links(path):
    """Return the paths that a document links to or shows, without addresses on other hosts."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", path.read_text(encoding="utf-8"))
    return [path.parent / target for target in targets if "://" not in target]
