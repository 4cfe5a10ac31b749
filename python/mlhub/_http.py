"""Talks to a hub over HTTP: finds it, sends JSON, reads answers, names errors.

Used for reading only; nothing here is called from a training loop. Follows no
redirect and prints no token.
"""

from __future__ import annotations

import atexit
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode

from . import _place
from ._files import is_same_process, read_json
from ._problems import MlhubError

__all__ = ["Hub", "Refused", "find_hub"]

TIMEOUT_SECONDS = 60.0
START_SECONDS = 15.0
"""How long a hub that is started here may take to listen."""
STOP_SECONDS = 10.0
ANSWER_MAX_BYTES = 1 << 30
POLL_SECONDS = 0.02


class Refused(MlhubError):
    """The hub answers, and says no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Hub:
    """A hub by its address; may own the process that serves it."""

    def __init__(self, url: str, token: str | None, *, process: Any = None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._process = process
        if process is not None:
            atexit.register(self.close)

    def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """The JSON answer. Raises MlhubError with what the hub says."""
        with self.open(method, path, query=query, body=body) as answer:
            data = answer.read(ANSWER_MAX_BYTES)
        try:
            return json.loads(data) if data else None
        except ValueError:
            raise MlhubError(f"{self.url} did not answer with JSON; is it a hub?") from None

    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        accept: str = "application/json",
    ) -> IO[bytes]:
        """The answer as a stream. Raises MlhubError."""
        import urllib.error
        import urllib.request

        given = {key: value for key, value in (query or {}).items() if value is not None}
        url = f"{self.url}{path}{'?' + urlencode(given) if given else ''}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data=data, method=method)
        request.add_header("accept", accept)
        if data is not None:
            request.add_header("content-type", "application/json")
        if self._token:
            request.add_header("authorization", f"Bearer {self._token}")
        try:
            # Proxies are for the world outside; the hub is named exactly.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), no_redirects())
            answer: IO[bytes] = opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            raise Refused(problem(error, method, path), int(error.code)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise MlhubError(f"the hub at {self.url} does not answer: {reason}") from None
        return answer

    def close(self) -> None:
        """End the hub, if it was started here."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.close)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except Exception:  # it does not stop: then by force
            process.kill()
            process.wait()


def no_redirects() -> Any:
    import urllib.request

    class Refuse(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    return Refuse()


def problem(error: Any, method: str, path: str) -> str:
    """What a refusal says, in the hub's own words where it has some."""
    try:
        told = json.loads(error.read(1 << 20))
        text = told.get("detail") or told.get("title")
    except (OSError, ValueError, AttributeError):
        text = None
    return f"{text or error.reason} ({error.code} of {method} {path})"


def part(text: str) -> str:
    """Text as one part of a path."""
    return quote(text, safe="")


def find_hub(*, url: str | None, token: str | None, folder: os.PathLike[str] | str | None) -> Hub:
    """The hub of a URL, or of a data directory; one is started where none serves it.

    Raises MlhubError.
    """
    token = token or os.environ.get("MLHUB_TOKEN") or None
    url = url or (None if folder is not None else os.environ.get("MLHUB_URL"))
    if url:
        return Hub(url, token)
    place = Path(folder).absolute() if folder is not None else _place.data_dir(os.environ)
    hub = listening(place, token)
    return hub if hub is not None else serve(place, token)


def listening(place: Path, token: str | None) -> Hub | None:
    """The hub that says in `hub.json` that it serves the data directory."""
    file = read_json(place / "hub.json")
    if file is None or not isinstance(file.get("url"), str):
        return None
    if not is_same_process(file.get("process")):
        return None
    return Hub(file["url"], token or file.get("token"))


def serve(place: Path, token: str | None) -> Hub:
    """Serve a data directory as long as it is needed."""
    import subprocess

    binary = _place.find_binary(os.environ)
    if binary is None:
        raise MlhubError(
            f"no hub serves {place}, and there is no `mlhub` command to start one; "
            "set MLHUB_URL, or start `mlhub serve`"
        )
    command = [binary, "serve", "--data-dir", str(place), "--port", "0"]
    quiet: Any = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )
    except OSError as error:
        raise MlhubError(f"`{binary}` cannot be started: {error.strerror}") from error
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        hub = listening(place, token)
        if hub is not None:
            own = (read_json(place / "hub.json") or {}).get("process") or {}
            if own.get("pid") == process.pid:
                return Hub(hub.url, hub._token, process=process)
            process.wait()  # another was faster, and this one ends by itself
            return hub
        # One that ended may have met another that is just starting: look on.
        time.sleep(POLL_SECONDS)
    if process.poll() is None:
        process.terminate()
        process.wait()
    raise MlhubError(
        f"the hub for {place} did not start; see what this says: {' '.join(command)}"
        + (f" (exit code {process.returncode})" if process.returncode else "")
    )
