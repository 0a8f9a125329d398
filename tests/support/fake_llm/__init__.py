"""A fake language-model service at the network's edge, for tests, kill tests and benchmarks.

In a test:

    with FakeLLM() as fake:
        fake.script(Rule(kind="status", status=429, retry_after="2", times=1))
        ...  # point `base_url` of a model at fake.openai_url, fake.anthropic_url or fake.google_url
        assert fake.stats()["calls"] == 2

As a process: `python -m tests.support.fake_llm --port 8099 --latency 0.2`, then GET /_stats, POST /_script with
a JSON list of rules, POST /_reset.
"""

from tests.support.fake_llm.rules import Rule as Rule
from tests.support.fake_llm.server import FakeLLM as FakeLLM
