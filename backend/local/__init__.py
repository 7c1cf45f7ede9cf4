"""The embedded default: the stores and the processes of `llmbot up`, all tied to one supervisor's life."""

from backend.local.data_dir import with_kept_key as with_kept_key
from backend.local.process import CannotStart as CannotStart
from backend.local.process import Child as Child
from backend.local.process import Program as Program
from backend.local.stores import Stores as Stores
from backend.local.stores import embedded_stores as embedded_stores
from backend.local.stores import running_postgres as running_postgres
from backend.local.up import run as run
