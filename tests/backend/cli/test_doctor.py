"""`llmbot doctor` says of every part whether it is well, and what to do."""

from backend.settings import Settings
from tests.backend.cli.typed import llmbot
from tests.processes import unused_port
from tests.simulators.provider import Provider

# To start one takes longer than everything else.
NONE = "/nowhere/chromium"


async def test_every_chain_is_asked_and_what_is_well_in_several_is_told_once(
    settings: Settings, provider: Provider
) -> None:
    models = {"STUB_BASE_URL": provider.base_url, "LLM_CHAIN": "stub:simulated", "TRANSCRIPTION": "stub:simulated"}
    typed = await llmbot(
        settings, "doctor", PORT=str(unused_port()), CHROMIUM=NONE, VISION_LLM_CHAIN="stub:blind", **models
    )
    assert [line for line in typed.said.splitlines() if "model stub" in line] == [
        "ok    model stub             simulated",
        "FAIL  model stub             has no model blind",
    ]
    assert "→ it has simulated" in typed.said
    assert typed.status == 1


async def test_what_does_not_answer_is_told_with_what_to_do(settings: Settings) -> None:
    port = unused_port()
    typed = await llmbot(settings, "doctor", PORT=str(port), CHROMIUM=NONE)
    assert f"FAIL  backend                does not answer at http://127.0.0.1:{port}" in typed.said
    assert "→ start it with `make run`" in typed.said
    assert "no model is configured" in typed.said
    assert typed.status == 1
