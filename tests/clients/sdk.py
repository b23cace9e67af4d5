"""Lists and calls every tool over one transport with the official SDK: sdk.py BASE TRANSPORT MODE TOKEN OPILIO PAGE GATED."""

import asyncio
import contextlib
import json
import sys

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

base, transport, mode, token, opilio, page, gated = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}"} if token else {}


def show(*words):
    print(*words, flush=True)


@contextlib.asynccontextmanager
async def connected():
    async with contextlib.AsyncExitStack() as stack:
        if transport == "stdio":
            environment = {"OPILIO_URL": base, "OPILIO_TOKEN": token, "no_proxy": "*"}
            server = StdioServerParameters(command=opilio, args=["mcp"], env=environment)
        elif transport == "sse":
            server = sse_client(f"{base}/mcp/sse", headers=headers)
        else:
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
            server = streamable_http_client(f"{base}/mcp", http_client=http)
        yield await stack.enter_async_context(Client(server, mode=mode))


async def main():
    async with connected() as client:
        listed = await client.list_tools()
        show("tools", *(tool.name for tool in listed.tools))

        async def call(name, arguments, **more):
            result = await client.call_tool(name, arguments, **more)
            return result.is_error, json.loads(result.content[0].text)

        async def progress(done, total, _message):
            if done:
                show("progress", int(done), int(total))

        _, job = await call("submit_crawl_job", {"urls": [gated]})
        _, cancelled = await call("cancel_job", {"task_id": job["task_id"]})
        _, job = await call("job_status", {"task_id": job["task_id"]})
        show("cancelled", cancelled["status"], job["status"])

        crawl = {"urls": [page, gated], "fields": ["url", "success"]}
        _, crawled = await call("crawl", crawl, progress_callback=progress)
        show("crawl", crawled["success"], crawled["results"] == [{"url": url, "success": True} for url in crawl["urls"]])

        _, job = await call("submit_crawl_job", {"urls": [page]})
        status = {"status": "processing"}
        while status["status"] == "processing":
            _, status = await call("job_status", {"task_id": job["task_id"], "fields": ["url"]})
        show("job", status["status"], status["result"]["results"] == [{"url": page}])

        _, md = await call("md", {"url": page, "f": "raw"})
        _, html = await call("html", {"url": page})
        show("md", "# A title" in md["markdown"], "html", "<h1>A title</h1>" in html["html"])
        _, extracted = await call("llm_extract", {"url": page, "q": "What is the title?"}, progress_callback=progress)
        show("llm_extract", extracted["status"], json.dumps(extracted["result"]))

        is_error, reason = await call("crawl", {"urls": ["ftp://nowhere"]})
        show("wrong", is_error, reason["status"], reason["detail"][0]["loc"])
        try:
            await client.call_tool("screenshot", {})
        except MCPError as error:
            show("unknown", error.error.code)


def first(error):
    return first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


try:
    asyncio.run(main())
except BaseException as error:
    show("refused", type(first(error)).__name__, first(error))
