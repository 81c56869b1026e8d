"""A headless Chromium for tests, driven over its debugging protocol on loopback."""

import base64
import json
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import connect

CHROMIUM = Path("/usr/bin/chromium")
MISSING = f"needs a browser at {CHROMIUM}: apt-get install chromium"

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
    "about:blank",
)
_START_SECONDS = 90
_ANSWER_SECONDS = 90


class Browser:
    """One tab; `events` holds what it reported since the page was opened.

    Attributes:
        events: messages of the protocol without an id, the oldest first.
    """

    def __init__(self, *flags: str) -> None:
        """Start it with more flags."""
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        profile = Path(self._folder.name)
        command = [str(CHROMIUM), f"--user-data-dir={profile}", *flags, *_FLAGS]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, **quiet)
        address = f"ws://127.0.0.1:{self._port(profile)}"
        with connect(address + self._path, max_size=None, proxy=None) as socket:
            self._socket = socket
            found = self.send("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in found if target["type"] == "page")
        self._socket = connect(f"{address}/devtools/page/{page}", max_size=None, proxy=None)
        for domain in ("Page", "Runtime", "Log", "Network", "Security"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the browser."""
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        sent = self._number
        self._socket.send(json.dumps({"id": sent, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(_ANSWER_SECONDS))
            if message.get("id") != sent:
                self.events.append(message)
                continue
            if "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            result: dict[str, Any] = message["result"]
            return result

    def open(
        self, page: Path, *, width: int = 1_280, height: int = 900, dark: bool = False
    ) -> None:
        """Load a page from disk and wait until it is complete."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.resize(width, height)
        self.events.clear()
        self.send("Page.navigate", url=page.as_uri())
        self.wait_for("document.readyState === 'complete'")

    def resize(self, width: int, height: int) -> None:
        """Set the size of the window, in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page; promises are awaited."""
        found = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:2_000])
        return found["result"].get("value")

    def wait_for(self, script: str, *, seconds: float = 60) -> None:
        """Wait until an expression is true in the page."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({script})"):
            if time.monotonic() > end:
                raise TimeoutError(script)
            time.sleep(0.05)

    def mouse(self, kind: str, x: float, y: float, *, down: bool = False) -> None:
        """Send one event of the mouse: mouseMoved, mousePressed or mouseReleased."""
        self.send(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left" if down or kind != "mouseMoved" else "none",
            buttons=1 if down else 0,
            clickCount=1,
        )

    def click(self, x: float, y: float) -> None:
        """Click a place of the window."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, down=True)
        self.mouse("mouseReleased", x, y)

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, move over the others, and let go at the last."""
        self.mouse("mouseMoved", *places[0])
        self.mouse("mousePressed", *places[0], down=True)
        for x, y in places[1:]:
            self.mouse("mouseMoved", x, y, down=True)
        self.mouse("mouseReleased", *places[-1])

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a PNG of the window, or of the whole page."""
        found = self.send("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(found["data"]))

    def complaints(self) -> list[str]:
        """Return errors and warnings of the console, exceptions, and requests over the network."""
        self.run("0")  # what was reported before this answer has arrived
        found = []
        for event in self.events:
            details = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(details["exceptionDetails"])[:500])
            elif event["method"] == "Runtime.consoleAPICalled":
                if details["type"] in ("error", "warning", "assert"):
                    found.append(json.dumps(details["args"])[:500])
            elif event["method"] == "Log.entryAdded":
                found.append(details["entry"]["text"])
            elif event["method"] == "Network.requestWillBeSent":
                address = details["request"]["url"]
                if not address.startswith(("file:", "data:", "blob:")):
                    found.append(address)
        return found

    def _port(self, profile: Path) -> int:
        """Wait for the port that it chose; the path of its own socket stands beside it."""
        file = profile / "DevToolsActivePort"
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            lines = file.read_text().split() if file.is_file() else []
            if len(lines) == 2:
                self._path = lines[1]
                return int(lines[0])
            time.sleep(0.05)
        self._process.kill()
        raise TimeoutError("the browser did not start")
