"""Which programs may be run, and with which options: what is not listed here is refused.

An option is listed only if the program then neither runs another one, nor writes anywhere but where its operands say,
nor reads the names of files from a file.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from backend.agents.skills.skill import Refused
from backend.agents.skills.workspace import looks, visible

Operands = Callable[[list[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Program:
    """What it may be told: options of one letter and long ones, each `with_value` if it takes one.

    A long one has its value after `=`: some have it only there, and what follows them is another argument.

    `words` many of its first operands are no paths; it takes at most so many operands. `changes` says that it changes
    files; with `lasting`, so that a person is asked each time.
    """

    letters: str = ""
    letters_with_value: str = ""
    long: str = ""
    long_with_value: str = ""
    words: int = 0
    most_operands: int = 100
    numbers: bool = False
    changes: bool = False
    lasting: bool = False


COUNTED = Program("qvz", "nc", "quiet silent verbose", "lines bytes", numbers=True)
DIGEST = Program("bt", "", "binary text tag zero")
HARMLESS = {
    "basename": Program("az", "s", "multiple zero", "suffix", words=100),
    "base64": Program("di", "w", "decode ignore-garbage", "wrap", most_operands=1),
    "cat": Program("AbeEnstTuv", "", "show-all number number-nonblank squeeze-blank show-ends show-tabs"),
    "cmp": Program("bls", "n", "print-bytes verbose silent quiet", "bytes", most_operands=2),
    "comm": Program("123z", "", "check-order nocheck-order total", "output-delimiter", most_operands=2),
    "cut": Program("nsz", "bcdf", "complement only-delimited", "bytes characters fields delimiter output-delimiter"),
    "date": Program("uR", "d", "utc universal", "date iso-8601 rfc-3339", words=1, most_operands=1),
    "diff": Program(
        "abBcdeEinNpqrstuwyZ",
        "CUW",
        "brief recursive new-file unified context ignore-case ignore-all-space ignore-blank-lines text side-by-side"
        " no-dereference minimal report-identical-files",
        "unified context width",
        most_operands=2,
    ),
    "dirname": Program("z", "", "zero", words=100),
    "du": Program("0abchkmsSx", "d", "all apparent-size bytes human-readable summarize total", "max-depth"),
    "expand": Program("i", "t", "initial", "tabs"),
    "file": Program("bhiN", "", "brief mime mime-type mime-encoding no-dereference"),
    "find": Program(),  # its expressions are not like others' options: see `_expression`
    "fold": Program("bs", "w", "bytes spaces", "width"),
    "grep": Program(
        "abcEFGhHiIlLnoPqrsTvwxyz",
        "ABCem",
        "extended-regexp fixed-strings basic-regexp perl-regexp ignore-case invert-match word-regexp line-regexp count"
        " files-with-matches files-without-match line-number with-filename no-filename only-matching quiet silent"
        " no-messages recursive text no-ignore-case color",
        "regexp max-count after-context before-context context include exclude exclude-dir color",
        words=1,
        numbers=True,
    ),
    "head": COUNTED,
    "ls": Program(
        "aABcdFghiklmnNopqQrRsStuUvxX1",
        "Iw",
        "all almost-all directory human-readable inode numeric-uid-gid reverse recursive size full-time no-group"
        " group-directories-first classify file-type si color",
        "sort time time-style format color ignore width",
    ),
    "md5sum": DIGEST,
    "nl": Program("p", "bdfhilnsvw", "", "body-numbering number-format number-width starting-line-number"),
    "od": Program("abcdfilosxv", "AjNt", "", "address-radix skip-bytes read-bytes format width"),
    "paste": Program("sz", "d", "serial zero-terminated", "delimiters"),
    "rev": Program(),
    "sha1sum": DIGEST,
    "sha256sum": DIGEST,
    "sha512sum": DIGEST,
    "sort": Program(
        "bcCdfghiMmnrRsuVz",
        "kt",
        "ignore-leading-blanks dictionary-order ignore-case general-numeric-sort human-numeric-sort month-sort"
        " numeric-sort reverse version-sort check merge stable unique zero-terminated",
        "key field-separator sort",
    ),
    "stat": Program("t", "c", "terse", "format printf"),
    "tac": Program("br", "s", "before regex", "separator"),
    "tail": COUNTED,
    "tr": Program("cCdst", "", "complement delete squeeze-repeats truncate-set1", words=2, most_operands=2),
    "uniq": Program("cdDiuz", "fsw", "count repeated unique ignore-case", "skip-fields skip-chars", most_operands=1),
    "wc": Program("cmlLw", "", "bytes chars lines words max-line-length"),
}
CHANGING = {
    "cp": Program("afipnruvT", "", "recursive no-clobber preserve update verbose force", changes=True),
    "mkdir": Program("pv", "", "parents verbose", changes=True),
    "mv": Program("finuvT", "", "no-clobber force update verbose", changes=True),
    "rm": Program("dfrRv", "", "recursive force dir verbose", changes=True, lasting=True),
    "rmdir": Program("pv", "", "parents verbose", changes=True, lasting=True),
    "touch": Program("acm", "d", "no-create", "date", changes=True),
}
PROGRAMS = HARMLESS | CHANGING

# Tests and actions of find, with how many arguments each takes: none runs, deletes or writes.
FIND = {
    0: "a and o or not true false depth d mount xdev empty print print0 ls prune readable writable executable daystart"
    " noleaf nouser nogroup P",
    1: "name iname path ipath wholename iwholename regex iregex regextype type size mtime mmin atime amin ctime cmin"
    " perm maxdepth mindepth links user group uid gid inum newermt printf",
}
FIND_TAKES = {f"-{name}": count for count, names in FIND.items() for name in names.split()}
FIND_TAKES |= dict.fromkeys(("(", ")", "!", ","), 0)


def examine_arguments(name: str, arguments: Sequence[str]) -> tuple[Program, list[str]]:
    """The program, if it may be run with these, and which of them are paths. Raises `Refused`."""
    program = PROGRAMS.get(name)
    if not program:
        listed = ", ".join(sorted(PROGRAMS))
        raise Refused(f"{visible(name)} is not among the programs that may be run, which are: {listed}")
    if name == "find":
        paths = list(_expression(arguments))
    else:
        operands, has_pattern = _operands(name, program, arguments)
        if len(operands) > program.most_operands:
            raise Refused(f"{name} may be given {program.most_operands} operands at most here")
        paths = operands[0 if has_pattern else program.words :]
        if name == "date" and any(not operand.startswith("+") for operand in operands):
            raise Refused("date may tell the time, not set it: its operand begins with +")
    for path in paths:
        _examine_path(path, changes=program.changes)
    return program, paths


def _operands(name: str, program: Program, arguments: Sequence[str]) -> tuple[list[str], bool]:
    """What is no option, and whether an option gave what else the first of them gives. Raises `Refused`."""
    operands: list[str] = []
    has_pattern, rest = False, iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*operands, *rest], has_pattern
        if argument.startswith("--"):
            option = _long(name, program, argument)
        elif argument.startswith("-") and argument != "-":
            option = _letters(name, program, argument[1:], rest)
        else:
            operands.append(argument)
            continue
        has_pattern = has_pattern or (name == "grep" and option in ("e", "regexp"))
    return operands, has_pattern


def _long(name: str, program: Program, argument: str) -> str:
    option, given, _ = argument[2:].partition("=")
    if option in (program.long_with_value if given else program.long).split():
        return option
    if option in program.long_with_value.split():
        raise Refused(f"the value of --{option} stands after =, as in --{option}=…")
    raise Refused(f"{name} may not be given {visible(argument)} here")


def _letters(name: str, program: Program, letters: str, rest: Iterator[str]) -> str:
    if program.numbers and letters.isdecimal():
        return ""
    for position, letter in enumerate(letters, 1):
        if letter in program.letters_with_value:
            if position == len(letters):
                _value(name, f"-{letter}", rest)
            return letter
        if letter not in program.letters:
            raise Refused(f"{name} may not be given -{visible(letter)} here")
    return ""


def _value(name: str, option: str, rest: Iterator[str]) -> None:
    if next(rest, None) is None:
        raise Refused(f"{name} wants a value for {visible(option)}")


def _expression(arguments: Sequence[str]) -> Iterator[str]:
    """The folders in which find searches. Raises `Refused` for what it may not be told."""
    rest = iter(arguments)
    began = False
    for argument in rest:
        began = began or argument.startswith("-") or argument in FIND_TAKES
        if not began:
            yield argument
        elif argument not in FIND_TAKES:
            raise Refused(f"find may not be given {visible(argument)} here")
        elif FIND_TAKES[argument]:
            _value("find", argument, rest)


def _examine_path(path: str, *, changes: bool) -> None:
    """Only for a clear answer: the sandbox would not let it out either. Raises `Refused`."""
    if path.startswith(("/", "~")):
        raise Refused(f"paths begin in the workspace, as in notes/today.md; {visible(path)} does not")
    names = PurePosixPath(path).parts
    if ".." in names:
        raise Refused("a path may not lead upwards by `..`")
    if changes and any(looks(name) == ".git" for name in names):
        raise Refused("what git keeps in .git is changed by git alone")
