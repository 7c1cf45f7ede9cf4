"""What a message asks for: the router, and what it may choose from."""

from backend.gateway.draft import Draft as Draft
from backend.gateway.draft import Question as Question
from backend.gateway.gateway import Gateway as Gateway
from backend.gateway.gateway import RunLimits as RunLimits
from backend.gateway.parameters import MacroInvalid as MacroInvalid
from backend.gateway.roster import AgentExists as AgentExists
from backend.gateway.roster import AgentNotFound as AgentNotFound
from backend.gateway.route import Mode as Mode
from backend.gateway.route import Outcome as Outcome
from backend.gateway.route import Route as Route
from backend.gateway.routes import RouteNotFound as RouteNotFound
from backend.gateway.routes import TargetUnknown as TargetUnknown
from backend.gateway.routes import correct_route as correct_route
from backend.gateway.routes import insert_route as insert_route
from backend.gateway.routes import list_routes as list_routes
from backend.gateway.shelf import MacroExists as MacroExists
from backend.gateway.shelf import MacroNotFound as MacroNotFound
