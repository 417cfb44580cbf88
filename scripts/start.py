"""Runs the engine from the plugin's own `src`, in the environment that `bin/autopsy` has found.

    ENVIRONMENT/bin/python -I scripts/start.py ARGUMENT...

Nothing of the plugin is installed in the environment, so a new version needs no new one unless
the lock file changes.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def has_packages() -> bool:
    """Whether this Python is still the one that the environment was made with.

    An upgrade of the system puts another Python behind the same link; that one finds no
    packages, since their folder is named after the version.
    """
    return any(path.startswith(sys.prefix + os.sep) for path in sys.path)


def say(sentence: str) -> None:
    print(f"agent-reliability: {sentence}", file=sys.stderr)


def set_up_again() -> None:
    """Makes the door take the environment for absent, and goes through the door again."""
    say("the Python that it was set up with has been replaced by another version.")
    try:
        os.unlink(os.path.join(sys.prefix, "bin", "python"))
    except OSError as error:
        say(f"{error.filename} cannot be removed: {error.strerror}. Remove {sys.prefix} yourself.")
        sys.exit(2)
    door = os.path.join(ROOT, "bin", "autopsy")
    os.execv(door, [door, *sys.argv[1:]])


def main() -> None:
    """Nothing: it ends with the engine's exit code."""
    if not has_packages():
        set_up_again()
    sys.argv[0] = "autopsy"
    sys.path.insert(0, os.path.join(ROOT, "src"))
    from eval_autopsy.cli.main import main as engine

    sys.exit(engine())


if __name__ == "__main__":
    main()
