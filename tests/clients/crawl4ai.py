"""Uses a server as users of Crawl4AI do, by its own clients: `peer.py <server> <page> <other page> <missing page>`.

Prints a line for each thing that a client was told.
"""

import asyncio
import sys

server, page, other, missing = sys.argv[1:]


def say(*what):
    print(*what, flush=True)


def seen(pages):
    return sorted(f"{page.url} {page.success}" for page in pages)


async def use_the_library():
    from crawl4ai import BrowserConfig, CacheMode, Crawl4aiDockerClient, CrawlerRunConfig
    from crawl4ai.docker_client import RequestError

    browser = BrowserConfig(headless=True)
    config = CrawlerRunConfig(cache_mode=CacheMode.BYPASS)
    async with Crawl4aiDockerClient(base_url=server, timeout=120, verbose=False) as client:
        one = await client.crawl([page], browser_config=browser, crawler_config=config)
        say("one", one.url, one.success, one.status_code, "# A title" in one.markdown.raw_markdown)
        say("many", *seen(await client.crawl([page, other, missing], browser, config)))
        streaming = CrawlerRunConfig(cache_mode=CacheMode.BYPASS, stream=True)
        say("stream", *seen([each async for each in await client.crawl([page, other], browser, streaming)]))
        schema = await client.get_schema()
        say("schema", schema["browser"]["type"], schema["crawler"]["params"]["page_timeout"])
        for what, asked, hooks in [("error", [missing], None), ("hooks", [page], {"on_page": "x"})]:
            try:
                await client.crawl(asked, hooks=hooks)
            except RequestError as error:
                say(what, error)


async def use_the_light_client():
    from crawl4ai_client import BrowserConfig, Crawl4aiDockerClient, CrawlerRunConfig, RequestError

    config = CrawlerRunConfig(page_timeout=15000)
    async with Crawl4aiDockerClient(base_url=server, timeout=120, verbose=False) as client:
        say("health", (await client.health())["status"])
        one = await client.crawl([page], browser_config=BrowserConfig(headless=True), crawler_config=config)
        one = one[0] if isinstance(one, list) else one
        say("one", one.url, one.success, one.status_code, "# A title" in one.raw_markdown)
        say("many", *seen(await client.crawl([page, other, missing], crawler_config=config)))
        say("stream", *seen([each async for each in client.crawl_stream([page, other], crawler_config=config)]))
        say("markdown", "# A title" in await client.get_markdown(page, content_filter="raw"))
        say("html", "A title" in await client.get_html(page))
        say("schema", sorted(await client.get_schema()))
        for what, call in [("screenshot", client.screenshot(page)), ("pdf", client.get_pdf(page))]:
            try:
                await call
            except RequestError as error:
                say(what, error)


asyncio.run(use_the_library())
asyncio.run(use_the_light_client())
