"""`docker compose -f docker-compose.rag.yml up -d --build`: the same, with Qdrant and an embedding server."""

import json

import pytest

from tests.compose.conftest import MakeStack
from tests.compose.stack import Stack

pytestmark = pytest.mark.compose

ADDED = {"qdrant", "infinity"}
ASK_QDRANT = """
import os, urllib.request
print(urllib.request.urlopen(os.environ["QDRANT_URL"] + "/readyz").status)
"""
EMBED = """
import json, os, urllib.request
body = {"model": os.environ["EMBEDDINGS"].removeprefix("infinity:"), "input": ["hello"]}
request = urllib.request.Request(
    os.environ["EMBEDDINGS_BASE_URL"] + "/embeddings", json.dumps(body).encode(), {"Content-Type": "application/json"}
)
print(len(json.load(urllib.request.urlopen(request))["data"][0]["embedding"]))
"""


@pytest.fixture(scope="module")
def stack(make_stack: MakeStack) -> Stack:
    return make_stack("docker-compose.rag.yml")


def test_it_is_the_same_and_two_services_more(stack: Stack) -> None:
    plain = Stack(stack.folder, "docker-compose.yml", stack.project, stack.port)
    few, many = (json.loads(one.compose("config", "--format", "json"))["services"] for one in (plain, stack))
    assert set(many) - set(few) == ADDED
    for service in few.keys() - {"backend", "worker"}:
        assert many[service] == few[service]


def test_everything_becomes_healthy(stack: Stack) -> None:
    health = {
        service: container["State"]["Health"]["Status"]
        for service, container in stack.containers().items()
        if service != "migrate"
    }
    assert health.keys() > ADDED
    assert set(health.values()) == {"healthy"}


def test_a_message_is_answered(stack: Stack) -> None:
    assert stack.say("Hello", chat="answered")["text"]


@pytest.mark.parametrize("service", ["backend", "worker"])
def test_vectors_can_be_made_and_kept(stack: Stack, service: str) -> None:
    """Both are where the settings say."""
    assert stack.execute(service, "python", "-c", ASK_QDRANT).strip() == "200"
    assert int(stack.execute(service, "python", "-c", EMBED)) > 0


def test_nothing_more_is_published(stack: Stack) -> None:
    for service in ADDED:
        ports = stack.containers()[service]["NetworkSettings"]["Ports"].values()
        assert not any(ports), service
