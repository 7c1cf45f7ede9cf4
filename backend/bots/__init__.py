"""Who speaks: bots, their tokens, who may talk to them and how often."""

from backend.bots.access import AdmissionDecided as AdmissionDecided
from backend.bots.access import AdmissionNotFound as AdmissionNotFound
from backend.bots.access import ApprovalNeeded as ApprovalNeeded
from backend.bots.access import Asking as Asking
from backend.bots.access import NotAllowed as NotAllowed
from backend.bots.access import OwnerDecides as OwnerDecides
from backend.bots.bots import Bots as Bots
from backend.bots.bots import Rules as Rules
from backend.bots.leases import LEASE_SECONDS as LEASE_SECONDS
from backend.bots.leases import Told as Told
from backend.bots.rates import TooManyMessages as TooManyMessages
from backend.bots.rows import SLUG as SLUG
from backend.bots.rows import BotExists as BotExists
from backend.bots.rows import BotHasSessions as BotHasSessions
from backend.bots.rows import BotNotFound as BotNotFound
from backend.bots.rows import TokenInUse as TokenInUse
from backend.bots.sealing import Seal as Seal
from backend.bots.sealing import SecretKeyMissing as SecretKeyMissing
from backend.bots.sealing import SecretKeyWrong as SecretKeyWrong
from backend.bots.sealing import TokenInvalid as TokenInvalid
from backend.bots.telegram import TelegramUnavailable as TelegramUnavailable
