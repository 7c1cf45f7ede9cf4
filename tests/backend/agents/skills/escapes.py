"""Ways out of a workspace, as data: each a call that a model might make, and a workspace that was prepared for it."""

from dataclasses import dataclass, field
from typing import Any

SECRET = "the secret of the house"
OUTSIDE = "../../outside"


@dataclass(frozen=True, slots=True)
class Escape:
    """A call of a skill; its name says how it tries. What is refused is told `why`, at least in part."""

    how: str
    skill: str
    arguments: dict[str, Any] = field(hash=False)
    why: str


def read(how: str, path: str, why: str) -> Escape:
    return Escape(how, "filesystem_read", {"path": path}, why)


def listed(how: str, path: str, why: str) -> Escape:
    return Escape(how, "filesystem_list", {"path": path}, why)


def write(how: str, path: str, why: str, content: str = "owned") -> Escape:
    return Escape(how, "filesystem_write", {"path": path, "content": content}, why)


def search(how: str, path: str, why: str) -> Escape:
    return Escape(how, "filesystem_search", {"path": path, "text": "secret"}, why)


def run(how: str, command: str, why: str, *more: str) -> Escape:
    """The command's words are parted by spaces; others may be added."""
    program, *arguments = command.split(" ")
    return Escape(how, "shell_run", {"program": program, "arguments": [*arguments, *more]}, why)


UPWARDS, ABSOLUTE, UNSEEN = "may not lead upwards", "paths begin in the workspace", "cannot be seen"
LINK, FOLDER, SPECIAL, HARD = "symbolic link", "is no folder", "a special file", "a hard link"
GIT, LIST, OPTION = "changed by git alone", "not among the programs", "may not be given"

FILESYSTEM = (
    read("a step upwards", f"{OUTSIDE}/secret", UPWARDS),
    read("a step upwards from within", f"notes/../{OUTSIDE}/secret", UPWARDS),
    read("a step upwards and back", "notes/../notes/today.md", UPWARDS),
    read("only upwards", "..", UPWARDS),
    read("an absolute path", "/etc/passwd", ABSOLUTE),
    read("an absolute path with two strokes", "//etc/passwd", ABSOLUTE),
    read("somebody's home", "~root/.ssh/id_ed25519", ABSOLUTE),
    read("strokes the other way", "..\\..\\outside\\secret", ABSOLUTE),
    read("the end of a name", "notes/today.md\0/../../../outside/secret", UNSEEN),
    read("two lines", f"notes\n{OUTSIDE}/secret", UNSEEN),
    read("half a character", "notes/\udc2e\udc2e/secret", UNSEEN),
    read("a separator that is none", "notes\u2028today.md", UNSEEN),
    read("a percent sign", "%2e%2e/%2e%2e/outside/secret", "No such file"),
    read("dots of another width", "\uff0e\uff0e/\uff0e\uff0e/outside/secret", "No such file"),
    read("one dot leader", "\u2024\u2024/\u2024\u2024/outside/secret", "No such file"),
    read("a path that is too long", "a/" * 600 + "secret", "too long"),
    read("a name that is too long", "a" * 256, "too long"),
    read("a link to a file", "link-to-secret", LINK),
    read("a link to a folder", "link-outside/secret", FOLDER),
    read("a link to a link", "link-to-link/secret", FOLDER),
    read("a link that leads back in", "link-inside/today.md", FOLDER),
    read("a link to the root", "root/etc/passwd", FOLDER),
    read("a link to itself", "loop", LINK),
    read("what the process has open", "proc/self/fd/0", FOLDER),
    read("what the process was told", "link-to-environ", LINK),
    read("another name of a file outside", "hard-link", HARD),
    read("a pipe that nobody writes to", "pipe", SPECIAL),
    read("a socket", "socket", SPECIAL),
    read("a folder as a file", "notes", "is no file"),
    read("the workspace as a file", ".", "the workspace itself"),
    read("a file as a folder", "notes/today.md/../../..", UPWARDS),
    read("a file without an end", "endless", "more than"),
    listed("a list of what is around", "..", UPWARDS),
    listed("a list of the root", "/", ABSOLUTE),
    listed("a list behind a link", "link-outside", FOLDER),
    search("a search of what is around", OUTSIDE, UPWARDS),
    search("a search behind a link", "link-outside", FOLDER),
    write("a file written around", f"{OUTSIDE}/new", UPWARDS),
    write("a file written at the root", "/tmp/owned-by-a-model", ABSOLUTE),
    write("a file written through a link", "link-to-secret", LINK),
    write("a file written behind a link", "link-outside/new", FOLDER),
    write("a file written through a link that leads nowhere", "link-nowhere", LINK),
    write("a file written by its other name", "hard-link", HARD),
    write("a pipe that nobody reads", "pipe", SPECIAL),
    write("what git runs", "project/.git/hooks/pre-commit", GIT, "#!/bin/sh\nid\n"),
    write("what git runs, in capitals", "project/.GIT/config", GIT),
    write("what git runs, with a letter that cannot be seen", "project/.g\u200cit/config", GIT),
    write("a name that is read backwards", "invoice\u202efdp.exe", UNSEEN),
    write("a name that looks like another", "notes/tоday.md", "looks the same"),  # with a Cyrillic letter
    write("half a character written", "new", "lone surrogates", "\udc2e"),
)

SHELL = (
    run("a shell", "sh -c", LIST, "id"),
    run("a shell by its path", "/bin/sh -c", LIST, "id"),
    run("a program of the workspace", "./tool", LIST),
    run("a program with a step upwards", "../../bin/sh", LIST),
    run("an interpreter", "python3 -c", LIST, "import os; os.system('id')"),
    run("an editor that runs others", "sed", LIST, "1e id"),
    run("an editor that writes elsewhere", "sed", LIST, "w /tmp/owned-by-a-model"),
    run("a language for text", "awk", LIST, 'BEGIN { system("id") }'),
    run("one that runs others", "xargs id", LIST),
    run("one that changes what others see", "env id", LIST),
    run("one that becomes another", "sudo id", LIST),
    run("one that keeps others", "nohup sleep 60", LIST),
    run("a sleeper", "sleep 3600", LIST),
    run("a page of text, with a way out", "less notes/today.md", LIST),
    run("an archive that runs others", "tar -cf x.tar --to-command=id notes", LIST),
    run("a copy of all that is read", "tee /tmp/owned-by-a-model", LIST),
    run("the network", "curl http://169.254.169.254/", LIST),
    run("git with a setting", "git -c core.pager=id log", LIST),
    run("a link", "ln -s / root2", LIST),
    run("a device", "mknod zero c 1 5", LIST),
    run("another mode", "chmod u+s notes", LIST),
    run("a program with a space before it", " sh -c id", LIST),
    run("a program that looks like one", "саt notes/today.md", LIST),  # with Cyrillic letters
    run("a search that runs", "find . -exec id ;", OPTION),
    run("a search that runs where it finds", "find . -execdir id ;", OPTION),
    run("a search that asks and runs", "find . -ok id ;", OPTION),
    run("a search that deletes", "find . -delete", OPTION),
    run("a search that writes", "find . -fprint /tmp/owned-by-a-model", OPTION),
    run("a search that follows links", "find -L .", OPTION),
    run("a search for what is in a file", "find -files0-from notes/today.md", OPTION),
    run("an order that runs", "sort --compress-program=id notes/today.md", OPTION),
    run("an order that writes", "sort -o /tmp/owned-by-a-model notes/today.md", OPTION),
    run("an order that writes, in one word", "sort -ro/tmp/owned-by-a-model notes/today.md", OPTION),
    run("an order that writes elsewhere meanwhile", "sort -T /tmp notes/today.md", OPTION),
    run("an option that is shortened", "sort --outp=x notes/today.md", OPTION),
    run("an option behind one whose value is optional", "ls --color --hyperlink", OPTION),
    run("patterns from a file", "grep -f /etc/passwd notes/today.md", OPTION),
    run("patterns from a file, in one word", "grep -rf/etc/passwd notes", OPTION),
    run("a search that follows links by itself", "grep -R secret .", OPTION),
    run("names from a file", "wc --files0-from=/etc/passwd", OPTION),
    run("another magic", "file -m /etc/magic notes/today.md", OPTION),
    run("a file unpacked to look at it", "file -z notes/today.md", OPTION),
    run("another time", "date -s 2020-01-01", OPTION),
    run("another time, as an operand", "date 010100002020", "its operand begins with +"),
    run("times from a file", "date -f /etc/passwd", OPTION),
    run("another file's time", "touch -r /etc/passwd notes/today.md", OPTION),
    run("a second file to write to", "uniq notes/today.md /tmp/owned-by-a-model", "1 operands at most"),
    run("waiting for more", "tail -f notes/today.md", OPTION),
    run("waiting for more, in the old way", "tail -1f notes/today.md", OPTION),
    run("an absolute path", "cat /etc/passwd", ABSOLUTE),
    run("a device without an end", "cat /dev/zero", ABSOLUTE),
    run("what the process was told", "cat /proc/self/environ", ABSOLUTE),
    run("a step upwards", f"cat {OUTSIDE}/secret", UPWARDS),
    run("a step upwards from within", f"cat notes/../{OUTSIDE}/secret", UPWARDS),
    run("somebody's home", "ls ~root", ABSOLUTE),
    run("a path behind two strokes", "head -- /etc/passwd", ABSOLUTE),
    run("a file behind a pattern", "grep root /etc/passwd", ABSOLUTE),
    run("a file behind a pattern that is an option", "grep -e root -- /etc/passwd", ABSOLUTE),
    run("a link to a file", "cat link-to-secret", "by a symbolic link"),
    run("a link to a folder", "ls link-outside/", "by a symbolic link"),
    run("a link to the root", "cat root/etc/passwd", "by a symbolic link"),
    run("a copy to elsewhere", "cp notes/today.md /tmp/owned-by-a-model", ABSOLUTE),
    run("a copy behind a link", "cp notes/today.md link-outside/new", "by a symbolic link"),
    run("a copy as a link", "cp -s notes/today.md new", OPTION),
    run("a target that is named first", "mv -t /tmp notes/today.md", OPTION),
    run("what is around, removed", "rm -rf ..", UPWARDS),
    run("everything, removed", "rm -rf --no-preserve-root /", OPTION),
    run("what git runs", "cp tool project/.git/hooks/post-index-change", GIT),
    run("an argument that ends early", "cat", "no program can be given", "notes/today.md\0/etc/passwd"),
    run("half a character", "cat", "no program can be given", "\udcff"),
)


def set_up(how: str, settings: str) -> Escape:
    """A repository with these settings, in a folder named after them."""
    section = settings.partition("]")[0].strip('["').split('"')[0].strip().lower()
    return Escape(how, "git_status", {"repository": f"set/{how.replace(' ', '-')}"}, f"the repository sets {section}")


SETTINGS = {
    "a watcher": '[core]\n\tfsmonitor = "touch owned"',
    "a pager": '[core]\n\tpager = "touch owned"',
    "hooks": "[core]\n\thooksPath = ../hooks",
    "an editor": '[core]\n\teditor = "touch owned"',
    "a way to connect": '[core]\n\tsshCommand = "touch owned"',
    "another folder": "[core]\n\tworktree = /",
    "attributes from elsewhere": "[core]\n\tattributesFile = /etc/passwd",
    "a way to compare": '[diff]\n\texternal = "touch owned"',
    "a driver": '[diff "x"]\n\tcommand = "touch owned"',
    "a way to make text": '[diff "x"]\n\ttextconv = "touch owned"',
    "a filter": '[filter "x"]\n\tclean = "touch owned"',
    "a filter that stays": '[filter "x"]\n\tprocess = "touch owned"',
    "an alias": '[alias]\n\tstatus = "!touch owned"',
    "settings from elsewhere": "[include]\n\tpath = /etc/passwd",
    "settings on a condition": '[includeIf "gitdir:**"]\n\tpath = ../evil',
    "a keeper of passwords": '[credential]\n\thelper = "!touch owned"',
    "a signer": '[gpg]\n\tprogram = "touch owned"',
    "a way to merge": '[merge "x"]\n\tdriver = "touch owned"',
    "a submodule that runs": '[submodule "x"]\n\tupdate = "!touch owned"',
    "a promise of objects": "[extensions]\n\tpartialClone = origin",
    "a proxy": '[core]\n\tgitProxy = "touch owned"',
}


def git(how: str, repository: str, why: str, skill: str = "git_status", **others: Any) -> Escape:
    return Escape(how, skill, {"repository": repository, **others}, why)


REPOSITORIES = (
    *(set_up(how, settings) for how, settings in SETTINGS.items()),
    git("a repository around", "..", UPWARDS),
    git("a repository elsewhere", "/etc", ABSOLUTE),
    git("a repository behind a link", "link-outside", FOLDER),
    git("a repository that is a link", "linked", FOLDER),
    git("a repository that is named in a file", "pointed", FOLDER),
    git("objects from elsewhere", "borrowed", "not only in its folder"),
    git("a repository of another", "shared", "not only in its folder"),
    git("settings that are a link", "configured", LINK),
    git("an option as a path", "project", "did not match", "git_commit", message="x", paths=["--git-dir=/"]),
    git("magic as a path", "project", "did not match", "git_commit", message="x", paths=[":(top,attr:x)*"]),
    git("a path upwards", "project", UPWARDS, "git_diff", path="../../outside"),
    git("a message that ends early", "project", "no commit can have", "git_commit", message="a\0b"),
)

ESCAPES = (*FILESYSTEM, *SHELL, *REPOSITORIES)
