"""Who speaks: bots, their tokens, who may talk to them and how often."""

from backend.bots.bots import Bots as Bots
from backend.bots.leases import LEASE_SECONDS as LEASE_SECONDS
from backend.bots.leases import Told as Told
from backend.bots.rows import BotExists as BotExists
from backend.bots.rows import BotHasSessions as BotHasSessions
from backend.bots.rows import BotNotFound as BotNotFound
from backend.bots.rows import TokenInUse as TokenInUse
from backend.bots.sealing import Seal as Seal
from backend.bots.sealing import SecretKeyMissing as SecretKeyMissing
from backend.bots.sealing import SecretKeyWrong as SecretKeyWrong
from backend.bots.sealing import TokenInvalid as TokenInvalid
