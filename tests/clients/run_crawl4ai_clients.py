"""Uses a server through Crawl4AI's own clients: `run_crawl4ai_clients.py <server> <page> <other page> <missing page>`.

Prints a line for each result.
"""

import asyncio
import sys

server, page, other, missing = sys.argv[1:]


def show(*words):
    print(*words, flush=True)


def outcomes(pages):
    return sorted(f"{page.url} {page.success}" for page in pages)


async def use_the_library():
    from crawl4ai import BrowserConfig, CacheMode, Crawl4aiDockerClient, CrawlerRunConfig
    from crawl4ai.docker_client import RequestError

    browser = BrowserConfig(headless=True)
    config = CrawlerRunConfig(cache_mode=CacheMode.BYPASS)
    async with Crawl4aiDockerClient(base_url=server, timeout=120, verbose=False) as client:
        one = await client.crawl([page], browser_config=browser, crawler_config=config)
        show("one", one.url, one.success, one.status_code, "# A title" in one.markdown.raw_markdown)
        show("many", *outcomes(await client.crawl([page, other, missing], browser, config)))
        streaming = CrawlerRunConfig(cache_mode=CacheMode.BYPASS, stream=True)
        show("stream", *outcomes([each async for each in await client.crawl([page, other], browser, streaming)]))
        schema = await client.get_schema()
        show("schema", schema["browser"]["type"], schema["crawler"]["params"]["page_timeout"])
        try:
            await client.crawl([missing])
        except RequestError as error:
            show("error", error)
        try:
            await client.crawl([page], hooks={"on_page": "x"})
        except RequestError as error:
            show("hooks", "hooks as Python code are not executed" in str(error))


async def use_the_light_client():
    from crawl4ai_client import BrowserConfig, Crawl4aiDockerClient, CrawlerRunConfig, RequestError

    config = CrawlerRunConfig(page_timeout=15000)
    async with Crawl4aiDockerClient(base_url=server, timeout=120, verbose=False) as client:
        show("health", (await client.health())["status"])
        one = await client.crawl([page], browser_config=BrowserConfig(headless=True), crawler_config=config)
        one = one[0] if isinstance(one, list) else one
        show("one", one.url, one.success, one.status_code, "# A title" in one.raw_markdown)
        show("many", *outcomes(await client.crawl([page, other, missing], crawler_config=config)))
        show("stream", *outcomes([each async for each in client.crawl_stream([page, other], crawler_config=config)]))
        show("markdown", "# A title" in await client.get_markdown(page, content_filter="raw"))
        show("html", "A title" in await client.get_html(page))
        show("schema", sorted(await client.get_schema()))
        for name, call in [("screenshot", client.screenshot(page)), ("pdf", client.get_pdf(page))]:
            try:
                await call
            except RequestError as error:
                show(name, error)


asyncio.run(use_the_library())
asyncio.run(use_the_light_client())
