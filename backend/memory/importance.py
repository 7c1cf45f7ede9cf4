"""How much a message is worth remembering, by a rule that can be read here."""

import re
from itertools import pairwise

_WORDS = re.compile(r"[\w'’]+")


def _signs(worth: float, said: str) -> tuple[float, frozenset[str], frozenset[str]]:
    """A worth, and what shows it: words, known by their first five letters, and pairs of whole words."""
    signs = [sign.strip() for sign in said.split(",")]
    return (
        worth,
        frozenset(sign[:5] for sign in signs if " " not in sign),
        frozenset(sign for sign in signs if " " in sign),
    )


# What each sign adds to the worth of a message without any; the sum ends at 1.
OF_ITSELF = 0.2
SIGNS = (
    # The person asks for it to be remembered.
    _signs(
        0.4, "remember, remind, don't forget, in mind, note that, запомни, не забудь, не забывай, учти, напомни, в виду"
    ),
    # What is so about the person: name, home, work, family, health, taste.
    _signs(
        0.3,
        "i am, i'm, i live, i work, i was, i have, i've, i like, i love, i hate, i prefer, call me, my name"
        ", my wife, my husband, my son, my daughter, my mother, my father, my mom, my dad, my brother"
        ", my sister, my partner, my boss, my dog, my cat, my birthday, my address, my phone, my job"
        ", allergic, allergy, vegan, vegetarian, married, born, меня зовут, меня есть, у меня, я живу"
        ", я работаю, я учусь, я люблю, не люблю, я ненавижу, я предпочитаю, я родился, я родилась, моя жена"
        ", мой муж, мой сын, моя дочь, моя мама, мой папа, мой брат, моя сестра, мой парень, моя девушка"
        ", мой день, мой адрес, мой телефон, моя работа, моя собака, моя кошка, мой кот, аллергия, женат"
        ", замужем, лет",
    ),
    # What was decided or promised.
    _signs(
        0.2,
        "decided, decision, agreed, let's, i'll, we'll, i will, we will, going to, deadline, appointment"
        ", booked, plan, решил, решено, решение, договорились, давай, буду, будем, собираюсь, планирую, срок"
        ", записался, записалась, купил",
    ),
    # When: days and months by name.
    _signs(
        0.15,
        "monday, tuesday, wednesday, thursday, friday, saturday, sunday, january, february, march, april"
        ", june, july, august, september, october, november, december, понедельник, вторник, среда, среду"
        ", четверг, пятница, суббота, воскресенье, январь, февраль, марта, апрель, мая, июнь, июня, июль"
        ", июля, август, сентябрь, октябрь, ноябрь, декабрь",
    ),
)
NUMBER, NUMBER_WORTH = re.compile(r"\d"), 0.15
# A name stands with a capital where no sentence begins.
NAME, NAME_WORTH = re.compile(r"[^\W\d_][,:;]? (?!I\b)[A-ZА-ЯЁ][a-zа-яё]{2}"), 0.15
# Words of which chatter is made; where there is nothing else, there is nothing to remember.
CHATTER = frozenset(
    _WORDS.findall(
        "ok okay yes no yep nope yeah sure thanks thank you very much great cool nice good well hi hello hey bye "
        "morning evening night lol haha please right fine да нет ага угу ок окей ладно хорошо спасибо большое "
        "пожалуйста привет здравствуй здравствуйте пока доброе утро добрый день вечер спокойной ночи круто класс "
        "отлично понятно ясно хаха лол ну вот"
    )
)
# What the assistant says is mostly known to the world, or repeats what the person said.
OF_THE_ASSISTANT = 0.5


def importance(role: str, text: str) -> float:
    """Between 0, for chatter, and 1; the same for the same text."""
    words = _WORDS.findall(text.lower().replace("’", "'"))
    if CHATTER.issuperset(words):
        return 0.0
    beginnings = {word[:5] for word in words}
    pairs = {f"{first} {second}" for first, second in pairwise(words)}
    worth = OF_ITSELF
    for sign, single, double in SIGNS:
        worth += 0.0 if single.isdisjoint(beginnings) and double.isdisjoint(pairs) else sign
    worth += NUMBER_WORTH if NUMBER.search(text) else 0.0
    worth += NAME_WORTH if NAME.search(text) else 0.0
    return round(min(worth, 1.0) * (OF_THE_ASSISTANT if role == "assistant" else 1.0), 3)
