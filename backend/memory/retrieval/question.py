"""What a question asks for: its words without names, who is named, which times are meant, whose words are wanted."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from backend.memory.retrieval.periods import Period, read_periods

# What begins with a question and is soon over is a question; all else is a chat message that goes on talking.
MESSAGE_SENTENCES = 3
ASKING = re.compile(
    r"\?|^\W*(who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|have|has|had|can|could|will|would|"
    r"list|name|tell|remind|summarize|кто|кого|кому|кем|чей|чья|чьё|чьи|что|чего|чему|чем|как\w*|когда|где|куда|откуда|"
    r"почему|зачем|сколько|напомни\w*|расскажи\w*|перечисли\w*|назови\w*)\b",
    re.IGNORECASE,
)
# A question this long, in characters, is also embedded sentence by sentence: one vector would blur it.
LONG = 160
MOST_SENTENCES = 8
SHORTEST_SENTENCE = 25

SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
WORD = re.compile(r"\w+")
BLANKS, BEFORE_SIGN = re.compile(r"\s+"), re.compile(r"\s+([,.?!])")
# What the stem of a Russian name may be followed by: its cases; and, for a word that is not the first (Машина is a car,
# too), the possessive: Машин, Олегова.
CASES = r"(?:[аяыиуюеёйь]|[оеё][мйю])?"
POSSESSIVE = r"(?:ин|ов|ев)(?:[аоуы]|о[йм]|ого|ому|ым|ых)?"

ASKS_WHEN = re.compile(
    r"\b(when|how long|(what|which) (date|day|month|year|time|week)|когда|во сколько|как долго|как давно|"
    r"(какого|каком|какой) (числа|году|месяце|день|дня|неделе))\b",
    re.IGNORECASE,
)
ASKS_NUMBER = re.compile(r"\b(how (many|much|old|often|far|big|tall)|сколько|скольких|во сколько)\b", re.IGNORECASE)
FIRST_PERSON = re.compile(
    r"\b(i|i'm|i've|me|my|mine|myself|we|our|us|я|меня|мне|мной|мо[йяёеиюим]\w{0,2}|мы|нас|нам|наш\w{0,3})\b",
    re.IGNORECASE,
)
SECOND_PERSON = re.compile(
    r"\b(you|you've|your|yours|ты|тебя|тебе|тобой|тво[йяёеию]\w{0,2}|вы|вас|вам|ваш\w{0,3})\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Question:
    """`texts` is what is embedded: the question without names and, if it is long, its sentences."""

    text: str
    texts: tuple[str, ...]
    speaker: str  # the one speaker who is named, or nobody
    periods: tuple[Period, ...]
    asked_at: datetime
    is_message: bool
    asks_when: bool
    asks_number: bool
    first_person: bool
    second_person: bool


def read_question(asked: str, *, speakers: Collection[str], asked_at: datetime) -> Question:
    """What is asked, in a memory whose speakers are called `speakers`; `asked_at` is aware of its time zone."""
    text, named = _without_names(asked, [name for name in speakers if name])
    sentences = split_sentences(text)
    return Question(
        text=text,
        texts=(text, *sentences[:MOST_SENTENCES]) if len(text) > LONG and len(sentences) > 1 else (text,),
        speaker=named[0] if len(named) == 1 else "",
        periods=read_periods(asked, asked_at),
        asked_at=asked_at,
        is_message=_goes_on_talking(asked),
        asks_when=bool(ASKS_WHEN.search(asked)),
        asks_number=bool(ASKS_NUMBER.search(asked)),
        first_person=bool(FIRST_PERSON.search(asked)),
        second_person=bool(SECOND_PERSON.search(asked)),
    )


def _goes_on_talking(asked: str) -> bool:
    sentences = SENTENCE_END.split(asked.strip())
    return len(sentences) >= MESSAGE_SENTENCES or not ASKING.search(sentences[0])


def split_sentences(text: str) -> list[str]:
    """The sentences of a text; very short ones stay with their neighbour."""
    sentences: list[str] = []
    for part in filter(None, (part.strip() for part in SENTENCE_END.split(text))):
        if sentences and min(len(sentences[-1]), len(part)) < SHORTEST_SENTENCE:
            sentences[-1] += " " + part
        else:
            sentences.append(part)
    return sentences


def _without_names(asked: str, speakers: Sequence[str]) -> tuple[str, list[str]]:
    """The question without the names of speakers, and who of them is named.

    Whoever is named is named in most of what he says or is told: the name would draw passages with the name, not
    passages that answer. A question of nothing but names keeps them.
    """
    flags = re.IGNORECASE if asked == asked.lower() else re.NOFLAG
    rest, named = asked, []
    for name in sorted(speakers, key=len, reverse=True):
        less = _pattern(name, flags).sub(" ", rest)
        if less != rest:
            named.append(name)
            rest = less
    rest = BEFORE_SIGN.sub(r"\1", BLANKS.sub(" ", rest)).strip()
    return (rest if WORD.search(rest) else asked), named


@lru_cache(maxsize=1024)
def _pattern(name: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """A name as it is written in a question: the whole of it or its first word, in a case or possessive."""
    whole = WORD.findall(name)
    said = "|".join(r"\W+".join(map(_word, words)) for words in (whole, whole[:1]) if words)
    return re.compile(rf"\b(?:{said})\b", flags)


def _word(word: str) -> str:
    if not re.search("[а-яё]", word, re.IGNORECASE):
        return re.escape(word) + r"(?:['’]s)?"
    stem = re.escape(word[:-1] if word[-1] in "аеёийоуыэюяь" and len(word) > 2 else word)
    return rf"(?:{stem}{CASES}|(?<=\s)(?-i:{stem}){POSSESSIVE})"
