"""Pictures, sound, video, tables, histograms, text and figures as files.

Encodes arrays with what Python brings (zlib, wave); objects of libraries encode
themselves. Imports no library, and never prints or logs what is in a value.
"""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Union

from ._problems import WrongType, WrongValue
from ._values import is_array, to_json, to_jsonable, type_name

__all__ = ["Audio", "Encoded", "Histogram", "Image", "Table", "Text", "Video", "encode_figure"]

PathLike = Union[str, "os.PathLike[str]"]

PIXELS_MAX = 100_000_000
TABLE_ROWS_MAX = 1_000_000
BINS_DEFAULT = 64
BINS_MAX = 1024
IMAGE_ENDINGS = ("png", "jpg", "jpeg", "gif", "webp", "bmp", "svg", "tif", "tiff")
AUDIO_ENDINGS = ("wav", "mp3", "flac", "ogg", "m4a")
VIDEO_ENDINGS = ("mp4", "webm", "gif", "avi", "mov", "mkv")


class Encoded(NamedTuple):
    """A medium ready to be kept: bytes or a file, its ending, facts for its record."""

    ending: str
    content: bytes | Path
    facts: dict[str, Any]


class Media:
    """What can be kept under a name and a step."""

    kind = "media"

    def __init__(self, *, caption: str | None = None) -> None:
        self.caption = caption

    def encode(self) -> Encoded:
        """Encode it; raises TypeError or ValueError that says what is wrong."""
        raise NotImplementedError


class Image(Media):
    """A picture: a file, a PIL image, a figure, or an array.

    Arrays are height x width, height x width x channels or channels x height x width,
    with 1, 3 or 4 channels; whole numbers are 0 to 255, floats 0 to 1.
    """

    kind = "image"

    def __init__(self, data: Any, *, caption: str | None = None) -> None:
        super().__init__(caption=caption)
        self.data = data

    def encode(self) -> Encoded:
        if isinstance(self.data, (str, os.PathLike)):
            return from_file(self.data, IMAGE_ENDINGS)
        if hasattr(self.data, "save") and hasattr(self.data, "getbands"):
            buffer = io.BytesIO()
            image = self.data
            if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
                image = image.convert("RGB")
            image.save(buffer, format="PNG")
            width, height = (int(length) for length in image.size)
            return Encoded("png", buffer.getvalue(), {"width": width, "height": height})
        if is_figure(self.data):
            return encode_figure(self.data)
        rows, width, height, channels = pixels(self.data)
        facts = {"width": width, "height": height, "channels": channels}
        return Encoded("png", png(rows, width, height, channels), facts)


class Audio(Media):
    """Sound: a file, or an array of samples, or samples x channels.

    Floats are -1 to 1; whole numbers are taken as 16 bits. `sample_rate` is in hertz.
    """

    kind = "audio"

    def __init__(
        self, data: Any, *, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        super().__init__(caption=caption)
        self.data = data
        self.sample_rate = sample_rate

    def encode(self) -> Encoded:
        if isinstance(self.data, (str, os.PathLike)):
            return from_file(self.data, AUDIO_ENDINGS)
        if not self.sample_rate or self.sample_rate < 1:
            raise WrongValue("sound from an array needs sample_rate, in hertz")
        return encode_wave(self.data, int(self.sample_rate))


class Video(Media):
    """A video: a file, or an array of frames that becomes an animated PNG.

    Arrays are frames x height x width x channels, or frames x channels x height x width.
    """

    kind = "video"

    def __init__(self, data: Any, *, fps: float = 4.0, caption: str | None = None) -> None:
        super().__init__(caption=caption)
        self.data = data
        self.fps = fps

    def encode(self) -> Encoded:
        if isinstance(self.data, (str, os.PathLike)):
            return from_file(self.data, VIDEO_ENDINGS)
        if not 0 < self.fps <= 1000:
            raise WrongValue("fps must be above 0 and at most 1000")
        frames = [pixels(frame) for frame in on_host(self.data)]
        if not frames:
            raise WrongValue("a video needs at least one frame")
        _, width, height, channels = frames[0]
        if any(frame[1:] != frames[0][1:] for frame in frames):
            raise WrongValue("all frames of a video must have one shape")
        if len(frames) * width * height > PIXELS_MAX:
            raise WrongValue(f"a video from an array has at most {PIXELS_MAX} pixels in all")
        data = png([rows for rows, *_ in frames], width, height, channels, fps=self.fps)
        facts = {"width": width, "height": height, "frames": len(frames), "fps": self.fps}
        return Encoded("png", data, facts)


class Table(Media):
    """Rows and columns: a data frame of pandas or polars, columns by name, or rows."""

    kind = "table"

    def __init__(
        self,
        data: Any = None,
        *,
        columns: Sequence[str] | None = None,
        rows: Iterable[Sequence[Any]] | None = None,
        caption: str | None = None,
    ) -> None:
        super().__init__(caption=caption)
        self.columns, self.rows = table_parts(data if rows is None else list(rows), columns)

    def add_row(self, *values: Any) -> None:
        """Add one row of as many values as there are columns."""
        if len(values) != len(self.columns):
            raise WrongValue(f"{len(values)} values for {len(self.columns)} columns")
        self.rows.append(list(values))

    def encode(self) -> Encoded:
        if len(self.rows) > TABLE_ROWS_MAX:
            raise WrongValue(f"a table has at most {TABLE_ROWS_MAX} rows; keep it as an artifact")
        body = {"columns": self.columns, "data": [to_jsonable(row) for row in self.rows]}
        facts = {"columns": self.columns[:100], "rows": len(self.rows)}
        return Encoded("table.json", to_json(body).encode("utf-8", "replace"), facts)


class Text(Media):
    """Free text, kept as a file."""

    kind = "text"

    def __init__(self, text: str, *, caption: str | None = None) -> None:
        super().__init__(caption=caption)
        self.text = str(text)

    def encode(self) -> Encoded:
        data = self.text.encode("utf-8", "replace")
        return Encoded("txt", data, {"characters": len(self.text)})


class Histogram:
    """How often values fall between edges: from values, or counts and edges made before."""

    kind = "histogram"

    def __init__(
        self,
        values: Any = None,
        *,
        bins: int = BINS_DEFAULT,
        counts: Sequence[float] | None = None,
        edges: Sequence[float] | None = None,
    ) -> None:
        if values is not None:
            if not 1 <= bins <= BINS_MAX:
                raise WrongValue(f"bins must be 1 to {BINS_MAX}")
            self.counts, self.edges, self.non_finite = count(values, bins)
            return
        if counts is None or edges is None:
            raise WrongType("a histogram needs values, or counts and edges")
        self.counts = [float(number) for number in counts]
        self.edges = [float(number) for number in edges]
        self.non_finite = 0
        if len(self.edges) != len(self.counts) + 1 or len(self.counts) > BINS_MAX:
            raise WrongValue(f"n counts (at most {BINS_MAX}) need n + 1 edges")


def count(values: Any, bins: int) -> tuple[list[float], list[float], int]:
    """Counts, edges and the number of non-finite values."""
    values = on_host(values)
    numpy = sys.modules.get("numpy")
    if numpy is not None and is_array(values):
        numbers = numpy.asarray(values).astype("float64").ravel()
        finite = numbers[numpy.isfinite(numbers)]
        non_finite = int(numbers.size - finite.size)
        if finite.size == 0:
            return [], [0.0], non_finite
        found, edges = numpy.histogram(finite, bins=bins)
        return [float(n) for n in found], [float(edge) for edge in edges], non_finite
    flat = [float(number) for number in leaves(values)]
    kept = [number for number in flat if number - number == 0]
    if not kept:
        return [], [0.0], len(flat)
    low, high = min(kept), max(kept)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    counts = [0.0] * bins
    for number in kept:
        counts[min(int((number - low) / width), bins - 1)] += 1
    return counts, [low + width * index for index in range(bins)] + [high], len(flat) - len(kept)


def leaves(values: Any) -> Iterable[Any]:
    for value in values:
        if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
            yield from leaves(value)
        else:
            yield value


def on_host(value: Any) -> Any:
    """A tensor as an array in main memory, by its own methods; others as they are."""
    detach = getattr(value, "detach", None)
    if callable(detach):
        value = detach().cpu()
        kind = str(value.dtype)
        if "bfloat16" in kind:
            value = value.float()
        return value.numpy()
    convert = getattr(value, "__array__", None)
    if is_array(value) and callable(convert) and not type_name(value).startswith("numpy."):
        return convert()
    return value


def from_file(path: PathLike, endings: Sequence[str]) -> Encoded:
    file = Path(path)
    ending = file.suffix.lower().lstrip(".")
    if ending not in endings:
        raise WrongValue(f"the file must be one of {', '.join(endings)}; it ends in `{ending}`")
    if not file.is_file():
        raise FileNotFoundError(f"there is no file `{file}`")
    return Encoded(ending, file, {})


def pixels(data: Any) -> tuple[bytes, int, int, int]:
    """Rows of bytes with their filter byte; width, height, channels."""
    data = on_host(data)
    if not is_array(data):
        return nested_pixels(data)
    shape = tuple(int(length) for length in data.shape)
    if len(shape) == 2:
        height, width, channels = shape[0], shape[1], 1
    elif len(shape) == 3 and shape[2] in (1, 3, 4):
        height, width, channels = shape
    elif len(shape) == 3 and shape[0] in (1, 3, 4):
        data = data.transpose(1, 2, 0)
        height, width, channels = shape[1], shape[2], shape[0]
    else:
        raise WrongValue(
            f"a picture is height x width, or with 1, 3 or 4 channels first or last; got {shape}"
        )
    check_size(width, height)
    kind = str(data.dtype)
    if kind == "bool":
        data = data.astype("uint8") * 255
    elif "float" in kind:
        finite = (data - data) == 0
        data = data * finite if bool(finite.all()) else data.copy()
        data[~finite] = 0
        data = (data.clip(0.0, 1.0) * 255.0 + 0.5).astype("uint8")
    elif kind != "uint8":
        data = data.clip(0, 255).astype("uint8")
    raw = data.tobytes()
    line = width * channels
    rows = b"".join(b"\0" + raw[at : at + line] for at in range(0, len(raw), line))
    return rows, width, height, channels


def nested_pixels(data: Any) -> tuple[bytes, int, int, int]:
    """Pixels of nested lists."""
    if not isinstance(data, (list, tuple)) or not data or not isinstance(data[0], (list, tuple)):
        raise WrongType(f"a picture is a file, a PIL image or an array; got {type_name(data)}")
    height, width = len(data), len(data[0])
    first = data[0][0] if width else 0
    channels = len(first) if isinstance(first, (list, tuple)) else 1
    check_size(width, height)
    if channels not in (1, 3, 4) or any(len(row) != width for row in data):
        raise WrongValue("all rows of a picture have one length, and 1, 3 or 4 channels")
    rows = bytearray()
    for row in data:
        rows.append(0)
        for value in leaves(row):
            scaled = value * 255 + 0.5 if isinstance(value, float) else value
            rows.append(max(0, min(255, int(scaled))) if not math.isnan(scaled) else 0)
    if len(rows) != height * (width * channels + 1):
        raise WrongValue("all pixels of a picture have the same channels")
    return bytes(rows), width, height, channels


def check_size(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > PIXELS_MAX:
        raise WrongValue(f"a picture has 1 to {PIXELS_MAX} pixels; got {width} x {height}")


def png(
    frames: bytes | list[bytes],
    width: int,
    height: int,
    channels: int,
    *,
    fps: float = 1.0,
) -> bytes:
    """PNG of one frame; APNG of several (W3C PNG third edition, section 11.3.6)."""
    several = [frames] if isinstance(frames, bytes) else frames
    colour = {1: 0, 3: 2, 4: 6}[channels]
    out = [b"\x89PNG\r\n\x1a\n"]
    out.append(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)))
    sequence = 0
    if len(several) > 1:
        out.append(chunk(b"acTL", struct.pack(">II", len(several), 0)))
    for number, rows in enumerate(several):
        if len(several) > 1:
            delay = (max(1, round(1000 / fps)), 1000)
            control = struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, *delay, 0, 0)
            out.append(chunk(b"fcTL", control))
            sequence += 1
        packed = zlib.compress(rows, 6)
        if number == 0:
            out.append(chunk(b"IDAT", packed))
        else:
            out.append(chunk(b"fdAT", struct.pack(">I", sequence) + packed))
            sequence += 1
    out.append(chunk(b"IEND", b""))
    return b"".join(out)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def encode_wave(data: Any, sample_rate: int) -> Encoded:
    """16-bit WAV."""
    import array
    import wave

    data = on_host(data)
    if is_array(data):
        shape = tuple(int(length) for length in data.shape)
        if len(shape) == 2 and shape[0] <= 8 < shape[1]:
            data, shape = data.T, (shape[1], shape[0])
        if len(shape) not in (1, 2):
            raise WrongValue(f"sound is samples, or samples x channels; got {shape}")
        channels = shape[1] if len(shape) == 2 else 1
        if "float" in str(data.dtype):
            data = (data.clip(-1.0, 1.0) * 32767.0).astype("int16")
        frames = data.clip(-32768, 32767).astype("<i2").tobytes()
        count_samples = shape[0]
    else:
        channels = len(data[0]) if data and isinstance(data[0], (list, tuple)) else 1
        numbers = [
            round(max(-1.0, min(1.0, value)) * 32767) if isinstance(value, float) else int(value)
            for value in leaves(data)
        ]
        samples = array.array("h", [max(-32768, min(32767, number)) for number in numbers])
        if sys.byteorder == "big":
            samples.byteswap()
        frames = samples.tobytes()
        count_samples = len(numbers) // channels
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(frames)
    facts = {
        "sample_rate": sample_rate,
        "channels": channels,
        "seconds": round(count_samples / sample_rate, 3),
    }
    return Encoded("wav", buffer.getvalue(), facts)


def is_figure(value: object) -> bool:
    """Whether it is a figure of matplotlib or plotly, or the pyplot module."""
    return (
        hasattr(value, "savefig")
        or (hasattr(value, "to_plotly_json") and hasattr(value, "to_json"))
        or hasattr(value, "get_figure")
    )


def encode_figure(figure: Any) -> Encoded:
    """A figure of matplotlib as PNG, of plotly as its JSON.

    Raises TypeError for anything else.
    """
    if hasattr(figure, "gcf"):  # the pyplot module itself
        figure = figure.gcf()
    elif not hasattr(figure, "savefig") and hasattr(figure, "get_figure"):
        figure = figure.get_figure()  # axes
    if hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", bbox_inches="tight")
        data = buffer.getvalue()
        width, height = struct.unpack(">II", data[16:24])
        return Encoded("png", data, {"width": width, "height": height, "source": "matplotlib"})
    if hasattr(figure, "to_json") and hasattr(figure, "to_plotly_json"):
        text = figure.to_json()
        return Encoded("plotly.json", text.encode(), {"source": "plotly"})
    raise WrongType(f"a figure is one of matplotlib or plotly; got {type_name(figure)}")


def table_parts(data: Any, columns: Sequence[str] | None) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of what people keep tables in."""
    if data is None:
        return [str(name) for name in columns or []], []
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        names = [str(name) for name in data.columns]
        if hasattr(data, "iter_rows"):
            return names, [list(row) for row in data.iter_rows()]
        return names, [list(row) for row in data.itertuples(index=False, name=None)]
    if isinstance(data, Mapping):
        names = [str(name) for name in data]
        values = [list(on_host(column)) for column in data.values()]
        if len({len(column) for column in values}) > 1:
            raise WrongValue("the columns of a table must have one length")
        return names, [list(row) for row in zip(*values)]
    rows = [row for row in on_host(data)]
    if rows and isinstance(rows[0], Mapping):
        names = list(dict.fromkeys(str(name) for row in rows for name in row))
        return names, [[row.get(name) for name in names] for row in rows]
    width = len(rows[0]) if rows else 0
    names = [str(name) for name in columns] if columns else [f"c{at}" for at in range(width)]
    for at, row in enumerate(rows):
        if len(row) != len(names):
            raise WrongValue(f"row {at} has {len(row)} values for {len(names)} columns")
    return names, [list(row) for row in rows]
