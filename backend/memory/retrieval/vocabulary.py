"""Words that tell a time or a number, in English and Russian, known by their first letters."""

# So many letters tell a word from others, whatever its ending.
LETTERS = 4
# What is told is told soon; more of a text is not looked through, in characters.
LOOKED_THROUGH = 600
PUNCTUATION = str.maketrans(dict.fromkeys(",.!?;:()[]\"'«»—–-…/*", " "))


def beginnings(text: str) -> set[str]:
    """The first letters of a text's words; a number is known as "0"."""
    words = text[:LOOKED_THROUGH].lower().translate(PUNCTUATION).split()
    return {"0" if word[0].isdigit() else word[:LETTERS] for word in words}


TIME_WORDS = frozenset(
    beginnings(
        "yesterday today tonight tomorrow last next ago week weekend month year day days monday tuesday wednesday "
        "thursday friday saturday sunday january february march april may june july august september october "
        "november december recently since summer winter spring fall autumn morning night"
    )
    | beginnings(
        "вчера сегодня завтра позавчера назад неделя месяц год году года лет день дня дней утром вечером понедельник "
        "вторник среду четверг пятница суббота воскресенье январь февраль март апрель май мая мае июнь июль август "
        "сентябрь октябрь ноябрь декабрь зимой весной летом осенью недавно скоро"
    )
)
NUMBER_WORDS = frozenset(
    beginnings(
        "0 one two three four five six seven eight nine ten eleven twelve once twice couple several dozen hundred "
        "thousand один одна два две три четыре пять шесть семь восемь девять десять двое трое пару сто двести тысяча "
        "несколько"
    )
)
