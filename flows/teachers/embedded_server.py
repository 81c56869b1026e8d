"""Child process of the embedded teacher: llama.cpp's HTTP server, alone with its native code.

Protocol: one JSON line of settings on stdin, one JSON line `{"base_url": ...}` on stdout, logs on
stderr. The process ends when stdin closes or the parent process is gone, whichever comes first.
Run by `flows.teachers.embedded` as `python -m flows.teachers.embedded_server`.
"""

import json
import os
import select
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Final, NoReturn

WARNINGS_ONLY = 2  # llama.cpp's verbosity level
#: How every request is sampled that does not say otherwise. They are llama.cpp's defaults, set
#: here because a file may bring defaults of its own, and a new llama.cpp other ones.
SAMPLER: Final = {
    "top_k": 40.0,
    "top_p": 0.95,
    "min_p": 0.05,
    "repeat_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
# Bits for every group of sampling settings: what is set here holds against the file's own.
_ALL_SET_BY_US: Final = (1 << 12) - 1


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the parent tells its child, over stdin because command lines are public.

    Attributes:
        parent: process id of the parent.
        weights: path of the GGUF file.
        model: name the server answers to.
        api_key: the only key it accepts.
        slots: requests answered in parallel.
        context_tokens: prompt and answer of one slot, in tokens.
        threads: compute threads.
    """

    parent: int
    weights: str
    model: str
    api_key: str
    slots: int
    context_tokens: int
    threads: int

    def to_line(self) -> str:
        """Return the settings as one line of JSON."""
        return json.dumps(asdict(self)) + "\n"


def exit_with_parent(parent: int) -> NoReturn:
    """Block until stdin closes or process `parent` is gone, then end this process at once.

    Watching the process as well covers a pipe that a forked sibling still holds open. A pidfd
    rather than PR_SET_PDEATHSIG: that signal also comes when only the *thread* that started the
    child ends, and worker threads come and go.

    Args:
        parent: process id to watch.
    """
    watched: list[int] = [sys.stdin.fileno()]
    if hasattr(os, "pidfd_open"):
        try:
            watched.append(os.pidfd_open(parent))
        except ProcessLookupError:
            os._exit(0)
        except OSError:  # a kernel or sandbox without pidfd: stdin alone must do
            pass
    while True:
        ready, _, _ = select.select(watched, [], [])
        if watched[0] not in ready or not os.read(watched[0], 1):
            # Not sys.exit: nothing of the native server is worth a slow shutdown.
            os._exit(0)


def start_server(settings: ServerSettings) -> object:
    """Return llama.cpp's server, listening on a free local port.

    Args:
        settings: what to serve and how.
    """
    import xllamacpp  # loading native code is what this process is for

    params = xllamacpp.CommonParams()
    params.model.path = settings.weights
    params.model_alias = {settings.model}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings.api_key]
    params.n_parallel = settings.slots
    params.n_ctx = settings.slots * settings.context_tokens
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = settings.threads
    params.cpuparams_batch.n_threads = settings.threads
    params.cpuparams.poll = 0
    params.cpuparams_batch.poll = 0
    params.cache_ram_mib = 0
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = WARNINGS_ONLY
    sampling = params.sampling
    sampling.top_k = int(SAMPLER["top_k"])
    sampling.top_p = SAMPLER["top_p"]
    sampling.min_p = SAMPLER["min_p"]
    sampling.penalty_repeat = SAMPLER["repeat_penalty"]
    sampling.penalty_present = SAMPLER["presence_penalty"]
    sampling.penalty_freq = SAMPLER["frequency_penalty"]
    sampling.user_sampling_config = _ALL_SET_BY_US
    return xllamacpp.Server(params)


def main() -> NoReturn:
    """Serve until the parent lets go."""
    sys.tracebacklimit = 0  # the parent quotes the last words in one line
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # native prints must not look like an answer
    # Unbuffered: a buffered reader could swallow what the watcher below waits for.
    settings = ServerSettings(**json.loads(read_line(sys.stdin.fileno())))
    threading.Thread(target=exit_with_parent, args=(settings.parent,), daemon=True).start()
    server = start_server(settings)
    address = server.listening_address  # type: ignore[attr-defined]
    answers.write(json.dumps({"base_url": f"{address}/v1"}) + "\n")
    answers.close()
    threading.Event().wait()
    raise SystemExit


def read_line(descriptor: int) -> bytes:
    """Return the bytes of `descriptor` up to its first newline, reading no further.

    Args:
        descriptor: open file descriptor.
    """
    line = bytearray()
    while (byte := os.read(descriptor, 1)) and byte != b"\n":
        line += byte
    return bytes(line)


if __name__ == "__main__":
    main()
