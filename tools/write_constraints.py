"""Write the versions that are installed here to constraints.txt: the tested ones."""

import importlib.metadata
import platform
from pathlib import Path

HEADER = """\
# The versions with which the course was tested, of all packages and of what they need.
# Written by "make constraints" on Python {python}; pip install -c constraints.txt uses them.
"""
LEFT_OUT = {"pip", "setuptools", "wheel", "rnncourse"}


def main() -> None:
    """Write one line a package, without the local part of a version such as +cpu."""
    versions = {
        distribution.metadata["Name"]: distribution.version.split("+")[0]
        for distribution in importlib.metadata.distributions()
    }
    lines = [
        f"{name}=={version}"
        for name, version in sorted(versions.items(), key=lambda item: item[0].lower())
        if name.lower() not in LEFT_OUT
    ]
    text = HEADER.format(python=".".join(platform.python_version_tuple()[:2]))
    root = Path(__file__).resolve().parent.parent
    (root / "constraints.txt").write_text(text + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
