"""Counts the tools of each server that a client's configuration names: configured.py FILE."""

import asyncio
import json
import sys
from pathlib import Path

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


def transport(server):
    if "command" in server:
        return StdioServerParameters(**server)
    if server["type"] == "sse":
        return sse_client(server["url"], headers=server.get("headers"))
    return streamable_http_client(server["url"], http_client=httpx2.AsyncClient(headers=server.get("headers")))


async def main():
    for name, server in json.loads(Path(sys.argv[1]).read_text())["mcpServers"].items():
        async with Client(transport(server)) as client:
            print(name, len((await client.list_tools()).tools))


asyncio.run(main())
