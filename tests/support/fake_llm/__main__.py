"""python -m tests.support.fake_llm --port 8099 --latency 0.2"""

from __future__ import annotations

import argparse

from tests.support.fake_llm.server import FakeLLM

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A fake language-model service.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    arguments = parser.parse_args()
    fake = FakeLLM(latency=arguments.latency, port=arguments.port)
    print(fake.url, flush=True)
    fake.run()
