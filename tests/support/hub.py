"""The Hugging Face Hub on loopback: datasets, commits, tags, LFS, with faults on demand.

Serves the real client. State is a value (`repositories`, `blobs`), so a test may copy it, let a
publisher fail at every step, and compare what readers see.

    with FakeHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
"""

import base64
import copy
import fnmatch
import hashlib
import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_canary7be2f05d9a314c66"
#: Faults that may be named. A number is an HTTP status, given instead of handling the request.
FAULTS = (
    "400", "401", "403", "404", "409", "412", "429", "500", "503",
    "reset",  # the connection is torn down, nothing was done
    "lost",  # it was done, the connection is torn down before the answer
    "500 late",  # it was done, the answer is an error
    "html",  # nothing was done, the answer is a proxy's page
)  # fmt: skip


class Step(NamedTuple):
    """One request of a publisher: what it asks, and how often that was asked before."""

    what: str
    nth: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: files are path to content."""

    oid: str
    parent: str | None
    title: str
    message: str
    files: Mapping[str, bytes]
    lfs: frozenset[str]


@dataclass
class Repo:
    """A dataset repository."""

    private: bool
    commits: dict[str, Commit] = field(default_factory=dict)
    head: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def add(self, title: str, files: Mapping[str, bytes], lfs: frozenset[str]) -> str:
        """Put a commit on top."""
        seed = json.dumps([self.head, title, {p: _sha256(c) for p, c in sorted(files.items())}])
        oid = hashlib.sha1(f"{seed}{len(self.commits)}".encode()).hexdigest()
        title, _, message = title.partition("\n")
        self.commits[oid] = Commit(oid, self.head, title, message.strip(), dict(files), lfs)
        self.head = oid
        return oid

    def at(self, revision: str) -> Commit | None:
        """The commit that a branch, tag or oid names."""
        revision = self.tags.get(revision, revision)
        return self.commits.get(str(self.head) if revision == "main" else revision)


@dataclass
class FakeHub:
    """The server; a context manager.

    Attributes:
        repositories: by `owner/name`.
        blobs: LFS content by SHA-256.
        owners: namespaces that the token may write to.
        choose_fault: fault by step; null: none.
        before: called with every step before it is handled; may push something itself.
        steps: all requests so far, in order.
        puts: how often content was sent, by SHA-256.
        role: of the token.
        page_size: files in a page of a listing.
        echoes_token: whether errors repeat the authorization header.
    """

    repositories: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    owners: frozenset[str] = frozenset({"me"})
    choose_fault: Callable[[Step], str | None] = lambda step: None
    before: Callable[[Step], None] = lambda step: None
    steps: list[Step] = field(default_factory=list)
    puts: Counter[str] = field(default_factory=Counter)
    echoes_token: bool = False
    role: str = "write"
    page_size: int = 1000

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hub = self

    @property
    def url(self) -> str:
        """What $HF_ENDPOINT names."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def repo(self, name: str) -> Repo:
        """A repository that must be there."""
        return self.repositories[name]

    def make(
        self, name: str, files: Mapping[str, bytes] | None = None, *, private: bool = False
    ) -> Repo:
        """Make a repository as the Hub does, with its first commit."""
        repo = self.repositories[name] = Repo(private=private)
        repo.add("initial commit", {".gitattributes": b"*.parquet lfs\n"}, frozenset())
        if files:
            repo.add("files", {**repo.commits[str(repo.head)].files, **files}, frozenset())
        return repo

    def shown(self, name: str, revision: str = "main") -> Mapping[str, bytes] | None:
        """What a reader finds; null where there is no repository."""
        repo = self.repositories.get(name)
        commit = repo.at(revision) if repo is not None else None
        return None if commit is None else commit.files

    def save(self) -> tuple[dict[str, Repo], dict[str, bytes]]:
        """A copy of the state."""
        with self.lock:
            return copy.deepcopy((self.repositories, self.blobs))

    def restore(self, saved: tuple[dict[str, Repo], dict[str, bytes]]) -> None:
        """Go back to a state, without faults and memory of requests."""
        with self.lock:
            self.repositories, self.blobs = copy.deepcopy(saved)
            self.steps.clear()
            self.puts.clear()
            self._counts.clear()
            self.choose_fault = self.before = lambda step: None

    def begin(self, what: str) -> Step:
        """Note a request."""
        with self.lock:
            step = Step(what, self._counts[what])
            self._counts[what] += 1
            self.steps.append(step)
        return step


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: FakeHub

    def handle_error(self, request: object, client_address: object) -> None:
        """A reset connection is no news."""


class Reply(NamedTuple):
    """An answer before it is sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


def _json(value: object, status: int = 200, **headers: str) -> Reply:
    named = {key.replace("_", "-"): text for key, text in headers.items()}
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


def _error(status: int, text: str, code: str | None = None) -> Reply:
    more = {"X-Error-Code": code} if code else {}
    return _json({"error": text}, status, **{"X-Error-Message": text}, **more)


def _missing(kind: str) -> Reply:
    return _error(404, f"{kind} not found", f"{kind}NotFound")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet an answer, at once: a small answer in two would wait 40 ms for its second half.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _serve(self) -> None:
        hub = self.server.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        place = urlsplit(self.path)
        path = unquote(place.path)
        step = hub.begin(f"{self.command} {_COMMIT.sub('COMMIT', path)}")
        hub.before(step)
        fault = hub.choose_fault(step)
        if fault is not None and fault not in ("lost", "500 late"):
            self._fail(fault)
            return
        with hub.lock:
            reply = _route(hub, self.command, place.path, parse_qs(place.query), body, self.headers)
        if fault == "lost":
            self._fail("reset")
        elif fault == "500 late":
            self._fail("500")
        else:
            self._send(reply)

    def _fail(self, fault: str) -> None:
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
            return
        if fault == "html":
            self._send(Reply(200, b"<html>sign in</html>", {"Content-Type": "text/html"}))
            return
        said = "a fault of the test"
        if self.server.hub.echoes_token:
            said += f": {self.headers.get('Authorization')}"
        code = "RepoNotFound" if fault == "404" else None
        reply = _error(int(fault), said, code)
        if fault == "429":
            reply = reply._replace(headers={**reply.headers, "Retry-After": "7"})
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, text in reply.headers.items():
            if name.lower() != "content-length":
                self.send_header(name, text)
        length = reply.headers.get("Content-Length", str(len(reply.body)))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)


_COMMIT = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
_API = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/(.*))?")
_FILE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.*)")
_LFS = re.compile(r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch")


def _route(
    hub: FakeHub,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    body: bytes,
    headers: Mapping[str, str],
) -> Reply:
    """Handle a request; the lock is held."""
    token = str(headers.get("Authorization") or "").removeprefix("Bearer ")
    if path.startswith("/lfs/"):  # a signed link: no token
        return _put(hub, path.removeprefix("/lfs/"), body)
    if token and token != TOKEN:
        return _error(401, "Invalid username or password.")
    if path.startswith(("/api/datasets/", "/datasets/")):
        return _of_repo(hub, method, path, query, body, headers)
    if path == "/api/repos/create":
        return _create(hub, json.loads(body), token)
    if path == "/api/whoami-v2":
        return _json({"name": "me", "auth": {"accessToken": {"role": hub.role}}})
    if path == "/api/validate-yaml":
        return _json({"errors": [], "warnings": []})
    return _error(404, f"no such place: {path}")


def _of_repo(
    hub: FakeHub,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    body: bytes,
    headers: Mapping[str, str],
) -> Reply:
    """Handle a request for one repository."""
    token = headers.get("Authorization")
    found = _API.fullmatch(path) or _FILE.fullmatch(path) or _LFS.fullmatch(path)
    if found is None:
        return _error(404, f"no such place: {path}")
    name, rest = found[1], [unquote(part) for part in found.groups()[1:] if part is not None]
    repo = hub.repositories.get(name)
    if repo is None or (repo.private and not token):
        return _missing("Repo") if token else _error(401, "Repository not found", "RepoNotFound")
    asks = rest[0] if rest else ""
    is_reading = method in ("GET", "HEAD") or asks.startswith("paths-info/")
    if not is_reading and name.partition("/")[0] not in hub.owners:
        return _error(403, "You have read access but not the required permissions")
    if found.re is _LFS:
        return _batch(hub, json.loads(body))
    if found.re is _FILE:
        return _resolve(repo, rest[0], rest[1], headers)
    what, _, more = asks.partition("/")
    if method == "POST":
        return _change(hub, name, repo, (what, more), body)
    return _tell(hub, name, repo, (what, more), query)


def _put(hub: FakeHub, sha256: str, content: bytes) -> Reply:
    if _sha256(content) != sha256:
        return _error(400, "content differs from its name")
    hub.blobs[sha256] = content
    hub.puts[sha256] += 1
    return Reply(200)


def _create(hub: FakeHub, asked: Mapping[str, Any], token: str) -> Reply:
    name = f"{asked['organization']}/{asked['name']}"
    if not token:
        return _error(401, "Invalid username or password.")
    if asked["organization"] not in hub.owners:
        return _error(403, f"You don't have the rights to create a dataset under {name}")
    url = f"{hub.url}/datasets/{name}"
    if name in hub.repositories:
        return _json({"error": "You already created this dataset repo", "url": url}, 409)
    hub.make(name, private=asked.get("visibility") == "private")
    return _json({"url": url, "name": name})


def _tell(
    hub: FakeHub,
    name: str,
    repo: Repo,
    asked: tuple[str, str],
    query: Mapping[str, list[str]],
) -> Reply:
    """Answer a GET of the API."""
    what, (revision, _, path) = asked[0], asked[1].partition("/")
    if what == "refs":
        return _json(_refs(repo))
    commit = repo.at(revision or "main")
    if commit is None:
        return _missing("Revision")
    if what in ("", "revision"):
        return _json({
            "id": name, "sha": commit.oid, "private": repo.private, "tags": [],
            "siblings": [{"rfilename": path} for path in commit.files],
        })  # fmt: skip
    if what == "commits":
        return _json([_log(found) for found in _history(repo, commit)])
    if what == "tree":
        return _tree(hub, name, commit, (revision, path), query)
    return _error(404, f"no such place: {what}")


def _change(hub: FakeHub, name: str, repo: Repo, asked: tuple[str, str], body: bytes) -> Reply:
    """Answer a POST of the API."""
    what, revision = asked
    commit = repo.at(revision)
    if commit is None:
        return _missing("Revision")
    if what == "paths-info":
        paths = parse_qs(body.decode()).get("paths", [])
        return _json([_entry(commit, path) for path in paths if path in commit.files])
    if what == "preupload":
        return _modes(commit, json.loads(body))
    if what == "commit":
        return _commit(hub, name, repo, [json.loads(line) for line in body.splitlines()])
    if what == "tag":
        tag = json.loads(body)["tag"]
        if tag in repo.tags:
            return _error(409, f"Tag {tag} already exists")
        repo.tags[tag] = commit.oid
        return _json({})
    return _error(404, f"no such call: {what}")


def _refs(repo: Repo) -> dict[str, Any]:
    branches = [] if repo.head is None else [("main", "heads", repo.head)]
    tags = [(tag, "tags", oid) for tag, oid in repo.tags.items()]
    lists = [
        [{"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": oid} for n, kind, oid in found]
        for found in (branches, tags)
    ]
    return {"branches": lists[0], "tags": lists[1], "converts": []}


def _history(repo: Repo, commit: Commit | None) -> Iterator[Commit]:
    while commit is not None:
        yield commit
        commit = repo.commits.get(commit.parent) if commit.parent else None


def _log(commit: Commit) -> dict[str, Any]:
    date = "2026-01-01T00:00:00.000Z"
    return {"id": commit.oid, "title": commit.title, "message": commit.message,
            "authors": [{"user": "me"}], "date": date}  # fmt: skip


def _entry(commit: Commit, path: str) -> dict[str, Any]:
    content = commit.files[path]
    entry: dict[str, Any] = {
        "type": "file", "path": path, "size": len(content), "oid": git_oid(content),
    }  # fmt: skip
    if path in commit.lfs:
        pointer = f"version lfs\noid sha256:{_sha256(content)}\nsize {len(content)}\n".encode()
        entry |= {
            "oid": git_oid(pointer),
            "lfs": {"oid": _sha256(content), "size": len(content), "pointerSize": len(pointer)},
        }
    return entry


def _tree(
    hub: FakeHub,
    name: str,
    commit: Commit,
    place: tuple[str, str],
    query: Mapping[str, list[str]],
) -> Reply:
    """A page of a listing, with a link to the next."""
    revision, path = place
    within = f"{path}/" if path else ""
    names = sorted(found for found in commit.files if found.startswith(within))
    if path and not names:
        return _missing("Entry")
    if query.get("recursive", ["false"])[0].lower() == "true":
        found = [_entry(commit, item) for item in names]
    else:
        found, folders = [], set()
        for item in names:
            head, _, below = item.removeprefix(within).partition("/")
            if not below:
                found.append(_entry(commit, item))
            elif head not in folders:
                folders.add(head)
                oid = git_oid(head.encode())
                found.append({"type": "directory", "path": within + head, "size": 0, "oid": oid})
    start = int(query.get("cursor", ["0"])[0])
    page = found[start : start + hub.page_size]
    more = {}
    if start + hub.page_size < len(found):
        link = f"{hub.url}/api/datasets/{name}/tree/{revision}?cursor={start + hub.page_size}"
        more = {"Link": f'<{link}&recursive=true>; rel="next"'}
    return _json(page, **more)


def _modes(commit: Commit, asked: Mapping[str, Any]) -> Reply:
    ignored = asked.get("gitIgnore")
    if ignored is None:
        ignored = commit.files.get(".gitignore", b"").decode()
    patterns = [line for line in ignored.splitlines() if line]
    files = []
    for file in asked["files"]:
        path = file["path"]
        is_lfs = path.endswith(".parquet") or file["size"] > 10_000_000
        oid = None
        if path in commit.files:
            content = commit.files[path]
            oid = _sha256(content) if path in commit.lfs else git_oid(content)
        ignore = any(fnmatch.fnmatch(path, pattern) for pattern in patterns)
        files.append({
            "path": path, "uploadMode": "lfs" if is_lfs else "regular", "shouldIgnore": ignore,
            "oid": oid,
        })  # fmt: skip
    return _json({"files": files})


def _batch(hub: FakeHub, asked: Mapping[str, Any]) -> Reply:
    objects = []
    for item in asked["objects"]:
        entry = {"oid": item["oid"], "size": item["size"]}
        if item["oid"] not in hub.blobs:
            entry["actions"] = {"upload": {"href": f"{hub.url}/lfs/{item['oid']}", "header": {}}}
        objects.append(entry)
    return _json({"transfer": "basic", "objects": objects})


def _commit(hub: FakeHub, name: str, repo: Repo, lines: list[dict[str, Any]]) -> Reply:
    """All or nothing."""
    header = lines[0]["value"]
    parent = header.get("parentCommit")
    if parent is not None and parent != repo.head:
        return _error(412, "A commit has happened since. Please refresh and try again.")
    last = repo.commits[str(repo.head)]
    files, lfs = dict(last.files), set(last.lfs)
    for line in lines[1:]:
        value = line["value"]
        path = value["path"]
        if line["key"] == "deletedFile":
            if path not in files:
                return _error(404, "A file with this name doesn't exist", "EntryNotFound")
            del files[path]
            lfs.discard(path)
        elif line["key"] == "lfsFile":
            if value["oid"] not in hub.blobs:
                return _error(400, f"{path} was not uploaded")
            files[path] = hub.blobs[value["oid"]]
            lfs.add(path)
        else:
            files[path] = base64.b64decode(value["content"])
            lfs.discard(path)
    title = f"{header['summary']}\n{header.get('description') or ''}"
    oid = repo.add(title, files, frozenset(lfs))
    return _json({
        "success": True, "commitOid": oid, "commitUrl": f"{hub.url}/datasets/{name}/commit/{oid}",
    })  # fmt: skip


def _resolve(repo: Repo, revision: str, path: str, headers: Mapping[str, str]) -> Reply:
    commit = repo.at(revision)
    if commit is None:
        return _missing("Revision")
    content = commit.files.get(path)
    if content is None:
        return _missing("Entry")
    named = {
        "X-Repo-Commit": commit.oid,
        "ETag": f'"{_sha256(content) if path in commit.lfs else git_oid(content)}"',
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
    }
    if path in commit.lfs:
        named |= {"X-Linked-Etag": named["ETag"], "X-Linked-Size": str(len(content))}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", str(headers.get("Range") or ""))
    if asked is None:
        return Reply(200, content, {**named, "Content-Length": str(len(content))})
    start, end = int(asked[1]), min(int(asked[2] or len(content) - 1), len(content) - 1)
    if start >= len(content):
        return Reply(416, b"", {**named, "Content-Range": f"bytes */{len(content)}"})
    part = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
    return Reply(206, content[start : end + 1], {**named, **part})


def git_oid(content: bytes) -> str:
    """The name that git gives to content."""
    return hashlib.sha1(b"blob %d\x00" % len(content) + content).hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
