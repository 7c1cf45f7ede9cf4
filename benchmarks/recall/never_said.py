"""Questions about what nobody in these conversations has ever mentioned: memory should say that it knows nothing."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """How a question speaks of whom it is about."""

    who: str
    whose: str
    whom: str
    does: str


ONESELF = Person("I", "my", "me", "do")

ENGLISH = (
    "What is the name of {whose} parrot?",
    "Which submarine museum did {who} visit?",
    "When did {who} climb Kilimanjaro?",
    "What did {who} say about the tax audit?",
    "Where {does} {who} keep the spare tractor keys?",
    "Who taught {whom} to play the bagpipes?",
    "How much did {who} pay for the sailing boat?",
    "What is {whose} blood type?",
    "Which chess opening {does} {who} prefer?",
    "What was the verdict in {whose} lawsuit?",
    "When is {whose} appointment with the cardiologist?",
    "What did {who} name the beehives?",
    "Which monastery did {who} stay at in Nepal?",
    "What is the password of {whose} wifi router?",
    "How many stitches did {who} get after the skiing fall?",
    "Who is the godfather of {whose} twins?",
    "What colour did {who} paint the garage door?",
    "Which opera did {who} see in Milan?",
    "When did {who} quit smoking cigars?",
    "What allergy medicine {does} {who} take for pollen?",
    "What was {whose} thesis about volcanoes called?",
    "Which airline lost {whose} luggage?",
    "What kind of telescope {does} {who} own?",
    "How long was {whose} military service?",
    "What did the plumber tell {whom} about the boiler?",
)
RUSSIAN = (
    "Как зовут моего попугая?",
    "Когда я поднимался на Эльбрус?",
    "Сколько я заплатил за яхту?",
    "Какая у меня группа крови?",
    "Кто научил меня играть на волынке?",
    "В каком монастыре я останавливался в Непале?",
    "Что сказал мне нотариус о завещании?",
    "Какой пароль от моего роутера?",
    "Когда у меня приём у кардиолога?",
    "В какую оперу я ходил в Милане?",
    "Какого цвета ворота гаража на даче в Карелии?",
    "Какой дебют я предпочитаю в шахматах?",
    "Где лежат ключи от трактора?",
    "Какая авиакомпания потеряла мой багаж?",
    "Кто крёстный моих близнецов?",
    "О чём была моя диссертация по вулканам?",
    "Сколько ульев стоит у меня на пасеке?",
    "Какой у меня телескоп?",
    "В каких войсках я служил на подводной лодке?",
    "Что решил суд по моему иску?",
    "Когда я бросил курить сигары?",
    "Какой фирмы мой мотоблок?",
    "В каком музее подводных лодок я был?",
    "Что сказал сантехник про бойлер?",
    "Сколько швов мне наложили после падения на лыжах?",
)


def never_said(language: str, speaker: str) -> Iterator[str]:
    """The questions in a conversation's language: about a speaker, or, where nobody has a name, about oneself."""
    if language == "ru":
        yield from RUSSIAN
        return
    about = Person(speaker, f"{speaker}'s", speaker, "does") if speaker else ONESELF
    for question in ENGLISH:
        yield question.format(who=about.who, whose=about.whose, whom=about.whom, does=about.does)
