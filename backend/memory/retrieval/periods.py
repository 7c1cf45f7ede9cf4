"""Words of time in a question, in English and Russian: "in May 2023", "last week", "позавчера", "два месяца назад"."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeAlias

DAY = timedelta(days=1)
Reader: TypeAlias = Callable[[re.Match[str], date], "Period"]
FLAGS = re.IGNORECASE | re.VERBOSE
# How long "recently" is, in days.
RECENT = 14


@dataclass(frozen=True, slots=True)
class Period:
    """Days: the first, and the one after the last."""

    start: date
    end: date


def read_periods(text: str, asked_at: datetime) -> tuple[Period, ...]:
    """The periods that a text names, as they are meant on the day of asking.

    Of what comes again (May, Friday, summer) the newest that has begun is meant.
    """
    periods: list[Period] = []
    lowered = text.lower()
    for needed, pattern, read in GRAMMAR:
        if any(word in lowered for word in needed):
            text = pattern.sub(partial(_take, read, asked_at.date(), periods), text)
    return tuple(dict.fromkeys(periods))


def _take(read: Reader, today: date, periods: list[Period], match: re.Match[str]) -> str:
    try:
        periods.append(read(match, today))
    except (ValueError, OverflowError):  # there is no 31 June
        return match.group()
    return " "


STEMS = {
    "unit": (r"days?|дн\w+|день|сут\w+", r"weeks?|недел\w+", r"months?|месяц\w*", r"years?|год\w*|лет"),
    "weekday": (
        r"mondays?|понедельник\w*", r"tuesdays?|вторник\w*", r"wednesdays?|сред[ауы]", r"thursdays?|четверг\w*",
        r"fridays?|пятниц\w+", r"saturdays?|суббот\w+", r"sundays?|воскресень\w+",
    ),
    "month": (
        r"january|jan|январ\w+", r"february|feb|феврал\w+", r"march|март\w{0,2}", r"april|apr|апрел\w+",
        r"may|ма[йяею]|маем",
        r"june|июн\w+", r"july|июл\w+", r"august|aug|август\w*", r"september|sept?|сентябр\w+",
        r"october|oct|октябр\w+",
        r"november|nov|ноябр\w+", r"december|dec|декабр\w+",
    ),
    "season": (r"winter|зим\w+", r"spring|весн\w+", r"summer|лет(?:о|а|у|ом|ним)", r"autumn|fall|осен\w+"),
    "number": (
        r"a|an|one|1|од[инну]+", r"two|2|дв[ае]|couple\sof|a\scouple\sof|пару", r"three|3|три|few|a\sfew|несколько",
        r"four|4|четыре", r"five|5|пять", r"six|6|шесть", r"seven|7|семь", r"eight|8|восемь", r"nine|9|девять",
        r"ten|10|десять",
        r"eleven|11|одиннадцать", r"twelve|12|двенадцать",
    ),
}  # fmt: skip
ANY = {kind: "|".join(stems) for kind, stems in STEMS.items()}
LAST = r"(?:last|past|previous|прошл\w+|предыдущ\w+)"
THIS = r"(?:this|эт\w{1,3}|текущ\w+)"
NUMBER = rf"(?P<number>{ANY['number']}|\d{{1,3}})"
UNIT = rf"(?P<unit>{ANY['unit']})"
# May, march, spring and fall are names of times only beside such words, or beside a number.
AFTER_TIME_WORD = (
    "(?:" + "|".join(rf"(?<=\b{word}\s)" for word in ("in", "of", "this", "last", "since", "early", "late")) + ")"
)
CLEAR = r"(?!(?:may|march|spring|fall)\b)"
MEANT = rf"(?:{CLEAR}|{AFTER_TIME_WORD}|(?<=\d\s)|(?<=(?:st|nd|rd|th)\s)|(?=\w+\s\d))"
DAY_BEFORE = r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th|-?го)?\s(?:of\s)?)?"
DAY_AFTER = r"(?:\s(?P<day_after>\d{1,2})(?:st|nd|rd|th)?\b)?"
MONTH = rf"{MEANT}(?P<month>{ANY['month']})"
YEAR = r"(?P<year>(?:19|20)\d\d)"


def _which(kind: str, word: str) -> int:
    return next(i for i, stem in enumerate(STEMS[kind]) if re.fullmatch(stem, word, re.IGNORECASE))


def _count(match: re.Match[str]) -> int:
    written = match["number"] or "1"
    return int(written) if written.isdigit() else _which("number", re.sub(r"\s+", " ", written)) + 1


def _month(year: int, month: int, months: int = 1) -> Period:
    """Whole months from one on; `month` counts from 0 and may lie beyond its year."""
    end = month + months
    return Period(date(year + month // 12, month % 12 + 1, 1), date(year + end // 12, end % 12 + 1, 1))


def _unit(unit: int, back: int, today: date) -> Period:
    """The day, week, month or year which lies `back` of them before today's."""
    if unit == 0:
        return Period(today - back * DAY, today - (back - 1) * DAY)
    if unit == 1:
        monday = today - today.weekday() * DAY - back * 7 * DAY
        return Period(monday, monday + 7 * DAY)
    return _month(today.year, today.month - 1 - back) if unit == 2 else _month(today.year - back, 0, 12)


def _ago(match: re.Match[str], today: date) -> Period:
    unit, count = _which("unit", match["unit"]), _count(match)
    if unit == 1:  # "two weeks ago" is said of a day rather than of a calendar week
        return Period(today - (7 * count + 3) * DAY, today - (7 * count - 4) * DAY)
    return _unit(unit, count, today)


def _within(match: re.Match[str], today: date) -> Period:
    return Period(today - _count(match) * (1, 7, 30, 365)[_which("unit", match["unit"])] * DAY, today + DAY)


def _calendar(match: re.Match[str], today: date) -> Period:
    month, day = _which("month", match["month"]), int(match["day"] or match["day_after"] or 0)
    year = int(match["year"]) if match["year"] else today.year - ((month + 1, day) > (today.month, today.day))
    start = date(year, month + 1, day or 1)
    return Period(start, start + DAY) if day else _month(year, month)


def _date(match: re.Match[str], _: date) -> Period:
    start = date(*(int(match[part]) for part in ("year", "month", "day")))
    return Period(start, start + DAY)


def _season(match: re.Match[str], today: date) -> Period:
    first = 3 * _which("season", match["season"]) - 1  # winter begins in the December before
    year = int(match["year"]) if match["year"] else today.year - (first >= today.month)
    return _month(year, first, 3)


def _weekday(match: re.Match[str], today: date) -> Period:
    back = (today.weekday() - _which("weekday", match["weekday"]) - 1) % 7 + 1
    return _unit(0, back, today)


def _weekend(back: int, today: date) -> Period:
    week = _unit(1, back, today)
    return Period(week.start + 5 * DAY, week.end)


AGO, LATELY, OFF = "ago earlier назад", "last past previous прошл предыдущ последн", "weekend выходн"
NOW = "this эт текущ"
WEEKDAYS = "day понедельник вторник сред четверг пятниц суббот воскресень"
SEASONS = "winter spring summer autumn fall зим весн лет осен"
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec янв фев мар апр ма июн июл авг сен окт ноя дек"
# What reads a period, and words of which one is there wherever it does: most questions have none of them. The first
# pattern that fits takes its words away from those after it.
GRAMMAR: tuple[tuple[Sequence[str], re.Pattern[str], Reader], ...] = tuple(
    (needed.split(), re.compile(pattern, FLAGS), read)
    for needed, pattern, read in (
        ("20", r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b", _date),
        ("20", r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>20\d\d)\b", _date),
        (
            "yesterday позавчера",
            r"\b(?:the\s)?day\sbefore\syesterday\b|\bпозавчера\b",
            lambda _, today: _unit(0, 2, today),
        ),
        ("yesterday night вчера", r"\b(?:yesterday|last\snight|вчера)\b", lambda _, today: _unit(0, 1, today)),
        ("today tonight сегодня", r"\b(?:today|tonight|сегодня)\b", lambda _, today: _unit(0, 0, today)),
        (AGO, rf"\b{NUMBER}\s{UNIT}\s(?:ago|назад|earlier)\b", _ago),
        (AGO, rf"\b(?P<number>){UNIT}\sназад\b", _ago),
        (LATELY, rf"\b(?:last|past|последн\w+)\s{NUMBER}\s{UNIT}\b", _within),
        (LATELY, rf"\b(?P<number>)последн\w+\s{UNIT}\b", _within),
        (OFF, rf"\b{LAST}\s(?:weekend|выходн\w+)\b", lambda _, today: _weekend(1, today)),
        (OFF, rf"\b(?:{THIS}|the|на)\s(?:weekend|выходн\w+)\b", lambda _, today: _weekend(today.weekday() < 5, today)),
        (LATELY, rf"\b{LAST}\s{UNIT}\b", lambda match, today: _unit(_which("unit", match["unit"]), 1, today)),
        (NOW, rf"\b{THIS}\s{UNIT}\b", lambda match, today: _unit(_which("unit", match["unit"]), 0, today)),
        (WEEKDAYS, rf"\b(?:last|on|this|в|во|прошл\w+)\s(?P<weekday>{ANY['weekday']})\b", _weekday),
        (SEASONS, rf"\b{MEANT}(?P<season>{ANY['season']})(?:\s(?:of\s)?{YEAR})?\b", _season),
        (MONTHS, rf"\b{DAY_BEFORE}{MONTH}\b{DAY_AFTER}(?:,?\s{YEAR})?", _calendar),
        ("19 20", rf"\b{YEAR}\b", lambda match, _: _month(int(match["year"]), 0, 12)),
        (
            "recently lately недавно",
            r"\b(?:recently|lately|недавно)\b",
            lambda _, today: Period(today - RECENT * DAY, today + DAY),
        ),
    )
)  # fmt: skip
