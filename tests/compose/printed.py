"""What docs/getting-started.md prints, and the requests of existing users of the job API."""

import re
from pathlib import Path


def shown(language, words):
    """The first code block of that page in this language that contains `words`."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", Path("docs/getting-started.md").read_text(), re.DOTALL | re.MULTILINE)
    return next(block for block in blocks if words in block)


def crawl(**webhook):
    url = "https://myapp.com/webhooks/crawl-complete"
    return {"urls": ["https://example.com"], "webhook_config": {"webhook_url": url, **webhook}}


SCHEMA = (
    '{"type": "object", "properties": {"title": {"type": "string"}, "author": {"type": "string"}, '
    '"date": {"type": "string"}}}'
)
SEED = [
    ("/crawl/job", crawl(webhook_data_in_payload=False)),
    ("/crawl/job", crawl(webhook_data_in_payload=True)),
    (
        "/crawl/job",
        crawl(
            webhook_data_in_payload=False,
            webhook_headers={"X-Webhook-Secret": "my-secret-token", "X-Service-ID": "crawl4ai-production"},
        ),
    ),
    ("/crawl/job", {"urls": ["https://example.com"]}),
    (
        "/llm/job",
        {
            "url": "https://example.com/article",
            "q": "Extract the article title, author, and publication date",
            "schema": SCHEMA,
            "cache": False,
            "provider": "openai/gpt-4o-mini",
            "webhook_config": {
                "webhook_url": "https://myapp.com/webhooks/llm-complete",
                "webhook_data_in_payload": True,
            },
        },
    ),
]
