"""Turns a file into text, in a process that may do little and fail alone."""

from backend.reader.kinds import Kind as Kind
from backend.reader.kinds import kind_of as kind_of
from backend.reader.process import read as read
from backend.reader.sections import Reason as Reason
from backend.reader.sections import Section as Section
from backend.reader.sections import Unreadable as Unreadable
