"""Validates a server's OpenAPI document: `valid.py <server>`."""

import sys

import requests
from openapi_spec_validator import validate

document = requests.get(f"{sys.argv[1]}/openapi.json", timeout=60).json()
validate(document)
print(document["openapi"], len(document["paths"]) > 30)
