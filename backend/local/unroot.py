"""Runs a program that refuses to be root: `unroot.py DIRECTORY PROGRAM [ARGUMENT...]`, started by root.

The program gets DIRECTORY for its own. In a user namespace it only believes that it is not root; where
namespaces are not allowed, as in many containers, it really becomes `nobody`.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # linux/sched.h; os.unshare knows it from Python 3.12 on


def main() -> None:
    directory, *command = sys.argv[1:]
    owner = os.stat(directory)
    nobody = pwd.getpwnam("nobody")
    if owner.st_uid != 0:
        become(owner.st_uid, owner.st_gid)
    elif not enter_user_namespace(nobody):
        give(Path(directory), nobody)
        become(nobody.pw_uid, nobody.pw_gid)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(
            f"{command[0]} cannot be run by user {os.geteuid()}: {error.strerror}. "
            "Start as an ordinary user, or from a folder that everybody may enter."
        )


def enter_user_namespace(user: pwd.struct_passwd) -> bool:
    """From here on root looks like `user` to this process, and to nobody else."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(CLONE_NEWUSER) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user.pw_uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{user.pw_gid} 0 1")
    return True


def give(directory: Path, user: pwd.struct_passwd) -> None:
    """To enter its directory the user must be able to pass the one around it."""
    directory.parent.chmod(0o711)
    for path in [directory, *directory.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def become(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


if __name__ == "__main__":
    main()
