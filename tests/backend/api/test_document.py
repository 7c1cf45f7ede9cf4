"""The OpenAPI document tells the truth, and is good to read."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.specs.openapi.checks import positive_data_acceptance

from backend.api.app import create_app
from backend.api.cards import LONGEST_WAIT_SECONDS
from backend.api.console.access import ConsoleClosed, PageOutdated, TooManyAttempts
from backend.api.console.providers import ProviderInvalid
from backend.api.console.setup import TokenUnknown
from backend.api.problems import MEDIA_TYPE, MethodNotAllowed, PathNotFound, Unexpected
from backend.bots import SecretKeyWrong, TelegramUnavailable
from backend.chat.origins import TurnNotFound
from backend.errors import Problem
from backend.llm.embedder import EmbedderUnavailable
from backend.memory.indexing import IndexUnusable
from backend.memory.indexing.lease import LeaseLost
from backend.memory.indexing.reindexing import IndexBusy
from backend.memory.vectors.qdrant_wire import Refused
from backend.memory.vectors.store import VectorStoreUnavailable
from backend.settings import Settings
from tests.backend.api.running import process, stores_of

DOCUMENT = create_app(Settings.model_construct()).openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
async def without_models(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a backend process that answers by itself."""
    async with process(tmp_path_factory.mktemp("without_models") / "output", stores_of(settings)) as address:
        yield address


@schema.parametrize()
@hypothesis.settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # `db` empties the tables after all examples
)
@pytest.mark.usefixtures("db")
def test_every_answer_is_as_documented(case: schemathesis.Case[Any], without_models: str) -> None:
    # A cursor that we did not give, or a session and a chat at once: no schema can say that these are refused.
    if may_wait(case.query.get("wait")):
        case.query["wait"] = 0  # nothing would come
    response = case.call(base_url=without_models)
    case.validate_response(response, excluded_checks=[positive_data_acceptance])
    operation = DOCUMENT["paths"][case.path].get(case.method.lower())
    if operation and response.headers.get("content-type") == [MEDIA_TYPE]:
        documented = operation["responses"][str(response.status_code)]["content"][MEDIA_TYPE]["examples"].values()
        assert response.json()["type"] in [example["value"]["type"] for example in documented]


def may_wait(seconds: object) -> bool:
    try:
        return 0 < float(str(seconds)) <= LONGEST_WAIT_SECONDS
    except ValueError:
        return False


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for narrower in kind.__subclasses__():
        yield narrower
        yield from problems(narrower)


def test_every_problem_is_documented_with_an_example() -> None:
    told = json.dumps(DOCUMENT)
    anywhere = {PathNotFound, MethodNotAllowed, Unexpected}
    # Memory is searched by words when these happen, or the worker tries again later: nobody outside meets them.
    # A token that was sealed with another key, and a silent Telegram, are findings of a check. The console's are pages.
    inside = {
        SecretKeyWrong,
        TelegramUnavailable,
        EmbedderUnavailable,
        VectorStoreUnavailable,
        Refused,
        LeaseLost,
        IndexUnusable,
        IndexBusy,
        ConsoleClosed,
        PageOutdated,
        ProviderInvalid,
        TokenUnknown,
        TooManyAttempts,
        TurnNotFound,
    }
    ours = {problem for problem in problems() if problem.__module__ not in ("backend.errors", __name__)}
    assert {problem.type() for problem in ours - anywhere - inside if f'"{problem.type()}"' not in told} == set()


def test_everything_a_caller_may_send_is_described() -> None:
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert all(operation["description"] for operation in operations)
    sent = [parameter for operation in operations for parameter in operation.get("parameters", ())]
    talking = "StreamedIn", "QuoteIn", "ResetIn", "EditIn", "StopIn", "NoticeIn", "ButtonIn", "ProgressIn"
    for shape in (*talking, "ConfirmIn", "AnswerIn", "ByWhom"):
        sent += DOCUMENT["components"]["schemas"][shape]["properties"].values()
    assert [each for each in sent if not each.get("description") and each.get("in") != "path"] == []
