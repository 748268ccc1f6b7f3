"""A fresh environment with the wheel of this clone, for tests of what users install."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests._places import ROOT

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


class Installed:
    """The wheel in an environment of its own; what the harness depends on is seen from this environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "environment"
        venv.create(self.folder)
        self.python = self.folder / "bin" / "python"
        packages = Path(self.output("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        # a plain line: .pth files over there (an editable installation of the clone) are not read
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        wheel = ("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT))
        subprocess.run([*PIP, *wheel], check=True)
        self.install(next(folder.glob("tts_soak-*.whl")))

    def install(self, what: Path) -> None:
        """Install a wheel or a source tree, without what it depends on."""
        # ignore-installed: the clone may be installed over there, which is no reason to leave the wheel out
        less = (
            "install",
            "-q",
            "--ignore-installed",
            "--no-deps",
            "--no-index",
            "--no-build-isolation",
            "--no-compile",
        )
        subprocess.run([*PIP, "--python", str(self.python), *less, str(what)], check=True)

    def uninstall(self, name: str) -> None:
        """Remove a package."""
        subprocess.run([*PIP, "--python", str(self.python), "uninstall", "-q", "-y", name], check=True)

    def run(self, *words: str, cwd: Path, program: str = "python") -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, with none of the variables that lead to the clone."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))}
        command = [str(self.folder / "bin" / program), *words]
        return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=300, check=False)

    def output(self, *words: str) -> str:
        """Return what python prints."""
        done = self.run(*words, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout
