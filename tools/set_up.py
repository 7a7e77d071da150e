"""Make the environment of the course: python3 tools/set_up.py lab test

Only the standard library is used, and only syntax that an old Python can read, so that it can say
in plain words that it is too old. It never deletes anything.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
LOG = os.path.join(VENV, "install.log")
STAMP = os.path.join(VENV, "installed.txt")
NEEDED = (3, 11)
EXTRAS = ("lab", "test", "browser", "class")
GIGABYTES = 3.0  # a full environment with the CPU build of torch takes about 1.6 GB
GIGABYTES_CUDA = 10.0
GIGABYTES_MORE = 0.5  # for what is added to an environment
FULL = 0.1

# What is found in the output of venv or pip, what it means, and what to do; the first that fits.
CAUSES = (
    (
        ("No space left on device", "Errno 28", "not enough space on the disk"),
        "The disk is full.",
        "Free some space (the course needs about {0:.0f} GB) and run the same command again.",
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "SSLError", "SSL: "),
        "A secure connection could not be made.",
        "Check the computer's date and time; in a company or school network, ask for its "
        "certificate and set PIP_CERT to it. Then run the same command again.",
    ),
    (
        (
            "NewConnectionError",
            "Failed to establish a new connection",
            "Temporary failure in name resolution",
            "Name or service not known",
            "ConnectTimeout",
            "Connection refused",
            "Connection reset",
            "Network is unreachable",
            "Read timed out",
            "ProxyError",
            "satisfies the requirement flit_core",  # the first package that is asked for
        ),
        "The packages could not be fetched: there is no connection to the package index.",
        "Connect to the internet (only the set-up needs it) and run the same command again.",
    ),
    (
        ("ensurepip is not", "No module named venv"),
        "This Python cannot make environments: its venv module is missing.",
        "On Debian and Ubuntu install it (sudo apt install python3-venv) and run the same command "
        "again.",
    ),
    (
        ("No matching distribution", "ResolutionImpossible", "conflicting dependencies"),
        "A package has no version that fits this Python and this system.",
        "Try Python 3.11, on which the course is tested: python3.11 tools/set_up.py lab",
    ),
)


class Problem(Exception):
    """Something that the learner can mend: what is wrong, and what to do."""


def is_new_enough(version):
    """Whether this version of Python runs the course."""
    return tuple(version[:2]) >= NEEDED


def newer_python():
    """Find a Python on the PATH that is new enough and really runs; None if there is none."""
    which = getattr(shutil, "which", lambda name: None)  # Python 2 has none
    for minor in range(20, NEEDED[1] - 1, -1):
        found = which("python3.{0}".format(minor))
        if found and runs(found):
            return found
    return None


def runs(python):
    """Whether this Python starts and is new enough."""
    check = "import sys; sys.exit(sys.version_info[:2] < {0!r})".format(NEEDED)
    try:
        return subprocess.call([python, "-c", check], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def fingerprint():
    """Return what the environment depends on: change it, or move the folder, and it is renewed."""
    digest = hashlib.sha256(ROOT.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read_stamp():
    """Return what the environment holds: its extras, and torch=NAME if TORCH chose the build.

    Nothing, if it was made for another version of the course or the stamp is damaged.
    """
    try:
        with open(STAMP) as file:
            lines = file.read().split()
    except (IOError, OSError):
        return set()
    if not lines or lines[0] != fingerprint() or not os.path.exists(PYTHON):
        return set()
    return set(lines[1:])


def make_venv():
    """Create the environment, or say why the one that is there cannot be used."""
    if os.path.exists(PYTHON):
        if not runs(PYTHON):
            raise Problem(
                "The Python in the folder .venv does not run, or is older than 3.11.\n"
                "Delete the folder .venv and run the same command again."
            )
        if subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
            return
    print("Making the environment in the folder .venv ...")
    made = subprocess.run(
        [sys.executable, "-m", "venv", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    if made.returncode:
        raise Problem(explain(made.stdout))


def explain(output):
    """Turn what venv or pip printed into what is wrong and what to do."""
    for signs, wrong, advice in CAUSES:
        full = "disk" in wrong and shutil.disk_usage(ROOT).free / 1e9 < FULL
        if full or any(sign in output for sign in signs):
            return wrong + "\n" + advice.format(GIGABYTES)
    last = "\n".join("    " + line for line in output.strip().splitlines()[-12:])
    return "The installation failed. Its last lines:\n" + last


def check_disk(needed):
    """Refuse to begin what cannot end."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise Problem(
            "The disk has {0:.1f} GB free; the installation needs about {1:.0f} GB, and about "
            "{2:.0f} GB with the CUDA build of torch.\nFree some space and run the same command "
            "again.".format(free, needed, GIGABYTES_CUDA)
        )


def pip_install(arguments):
    """Run pip, keep all it prints in the log, and explain a failure."""
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["-c", os.path.join(ROOT, "constraints.txt")] + arguments
    with open(LOG, "a") as log:
        log.write("$ {0}\n".format(" ".join(command)))
        log.flush()
        begin = log.tell()
        status = subprocess.call(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    if status:
        with open(LOG, errors="replace") as log:
            log.seek(begin)
            raise Problem(explain(log.read()) + "\nThe whole log is in .venv/install.log")


def set_up(extras):
    """Bring the environment to where it holds these extras."""
    unknown = [extra for extra in extras if extra not in EXTRAS]
    if unknown or not extras:
        raise Problem("Usage: python3 tools/set_up.py {0}".format(" | ".join(EXTRAS)))
    torch = os.environ.get("TORCH")
    wanted = set(extras) | ({"torch=" + torch} if torch else set())
    present = read_stamp()
    if wanted <= present:
        return
    check_disk(GIGABYTES_MORE if os.path.exists(STAMP) else GIGABYTES)
    make_venv()
    every = sorted(set(extras) | present.intersection(EXTRAS))
    print("Installing the course: {0} (minutes the first time) ...".format(", ".join(every)))
    if torch and "torch=" + torch not in present:
        index = "https://download.pytorch.org/whl/" + torch
        # a build that is there counts as the same version, so pip has to be told to replace it
        pip_install(["--force-reinstall", "--no-deps", "--index-url", index, "torch"])
    pip_install(["-e", "{0}[{1}]".format(ROOT, ",".join(every))])
    build = ["torch=" + torch] if torch else [line for line in present if line.startswith("torch=")]
    with open(STAMP, "w") as file:
        file.write("\n".join([fingerprint()] + every + build) + "\n")
    print("Installed.")


def main(arguments):
    """Run the set-up; return the exit status."""
    if not is_new_enough(sys.version_info):
        newer = newer_python()
        if newer:
            return subprocess.call([newer, os.path.abspath(__file__)] + arguments)
        print(
            "The course needs Python 3.11 or newer; this is Python {0}.{1}.\n"
            "Install a newer one from python.org or your system's packages, "
            "and run the same command again.".format(*sys.version_info[:2])
        )
        return 1
    try:
        set_up(arguments)
    except Problem as problem:
        print("\n{0}".format(problem))
        return 1
    except OSError as error:
        print("\n{0}".format(explain(str(error))))
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
