"""Runs: what messages ask for is carried out by agents, step by step, and nothing is done twice or without asking."""

from backend.agents.agents import Agents as Agents
from backend.agents.confirming import ConfirmationNotFound as ConfirmationNotFound
from backend.agents.confirming import ConfirmationOver as ConfirmationOver
from backend.agents.confirming import NotYours as NotYours
from backend.agents.confirming import WantedConfirmations as WantedConfirmations
from backend.agents.grants import GrantNotFound as GrantNotFound
from backend.agents.runs import FileNotFound as FileNotFound
from backend.agents.runs import RunNotFound as RunNotFound
from backend.agents.runs import RunOver as RunOver
from backend.agents.runs import StepNotFound as StepNotFound
from backend.agents.runs import StepOver as StepOver
from backend.agents.runs import WantedRuns as WantedRuns
