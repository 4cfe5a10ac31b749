"""`run.config` and `run.summary`: dictionaries that tell the run what is put in.

`Config` is nested, read and written by key or attribute; of a value the first stays.
Neither writes files: they call back into the run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Callable

from ._problems import WrongType
from ._values import flatten, key_of, to_jsonable

__all__ = ["Config", "Summary"]


class Config(MutableMapping[str, Any]):
    """The params of a run, nested as they were given.

    `config["lr"]`, `config.lr`, `config.model.layers` and `config["model.layers"]` read
    and write. The hub keeps the first value of a param: changing one warns, and
    keeps the old value, unless `update(..., allow_change=True)` says that the new one
    is for this process alone.
    """

    def __init__(
        self,
        values: Mapping[Any, Any] | None = None,
        *,
        told: Callable[[dict[str, Any]], None] | None = None,
        changed: Callable[[str], None] | None = None,
        trouble: Callable[[str, Exception], None] | None = None,
    ) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_told", told)
        object.__setattr__(self, "_changed", changed)
        object.__setattr__(self, "_trouble", trouble)
        object.__setattr__(self, "_prefix", "")
        object.__setattr__(self, "_root", self)
        if values:
            self._values.update({key_of(key): plain(item) for key, item in values.items()})

    def _child(self, key: str, values: dict[str, Any]) -> Config:
        child = Config.__new__(Config)
        object.__setattr__(child, "_values", values)
        object.__setattr__(child, "_prefix", f"{self._prefix}{key}.")
        object.__setattr__(child, "_root", self._root)
        return child

    def __getitem__(self, key: str) -> Any:
        values = self._values
        if key not in values and "." in key:
            first, rest = key.split(".", 1)
            return self[first][rest]
        value = values[key]
        return self._child(key, value) if isinstance(value, dict) else value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            # Asked for by pickle and its like, also before anything is in here.
            raise AttributeError(name)
        try:
            return self[name]
        except (KeyError, TypeError):
            raise AttributeError(f"the config has no `{self._prefix}{name}`") from None

    def __setitem__(self, key: str, value: Any) -> None:
        try:
            self._set(key_of(key), value, allow_change=False)
        except Exception as error:
            self._meet(error)

    def _meet(self, error: Exception) -> None:
        """A value that cannot be taken is told, as everything of a run is."""
        if self._root._trouble is None:
            raise error
        self._root._trouble("config", error)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delitem__(self, key: str) -> None:
        raise WrongType("a param that was told stays: the config takes no deletion")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({self._values!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is of nobody's run: it tells nothing.
        return (Config, (self.to_dict(),))

    def _set(self, key: str, value: Any, *, allow_change: bool) -> None:
        values, name = self._values, key
        if key not in values and "." in key:
            first, rest = key.split(".", 1)
            if not isinstance(values.get(first), dict) and first in values:
                self._root._changed_value(f"{self._prefix}{key}")
                return
            values.setdefault(first, {})
            self._child(first, values[first])._set(rest, value, allow_change=allow_change)
            return
        new = plain(value)
        old = values.get(name, MISSING)
        full = f"{self._prefix}{name}"
        if isinstance(old, dict) and isinstance(new, dict):
            child = self._child(name, old)
            for inner, item in new.items():
                child._set(inner, item, allow_change=allow_change)
            return
        if old is not MISSING and not same(old, new):
            if not allow_change:
                self._root._changed_value(full)
                return
            values[name] = new
            return
        if old is MISSING:
            values[name] = new
            self._root._tell(full, new)

    def _tell(self, key: str, value: Any) -> None:
        if self._told is not None:
            self._told(flatten({key: value}))

    def _changed_value(self, key: str) -> None:
        if self._changed is not None:
            self._changed(key)

    def update(self, *others: Any, allow_change: bool = False, **values: Any) -> None:
        """Put in many values; nested mappings are joined."""
        for other in (*others, values):
            try:
                found = plain(other)
                if not isinstance(found, dict):
                    raise WrongType("config takes a mapping or an object with fields")
                for key, value in found.items():
                    self._set(key, value, allow_change=allow_change)
            except Exception as error:
                self._meet(error)

    def to_dict(self) -> dict[str, Any]:
        """A plain copy, nested."""
        copied: dict[str, Any] = copy_plain(self._values)
        return copied


class Missing:
    """Stands for no value at all."""


MISSING = Missing()


def plain(value: Any) -> Any:
    """Mappings and objects with fields as plain dictionaries; other values as they are."""
    if isinstance(value, Config):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key_of(key): plain(item) for key, item in value.items()}
    from ._values import fields_of

    fields = fields_of(value)
    return plain(fields) if fields is not None else value


def copy_plain(value: Any) -> Any:
    return {key: copy_plain(item) for key, item in value.items()} if type(value) is dict else value


def same(one: Any, other: Any) -> bool:
    """Whether two values are told alike."""
    one, other = to_jsonable(one), to_jsonable(other)
    if (
        isinstance(one, float)
        and isinstance(other, float)
        and math.isnan(one)
        and math.isnan(other)
    ):
        return True
    return type(one) is type(other) and bool(one == other)


class Summary(MutableMapping[str, Any]):
    """Results that stand for the whole run, such as the best accuracy.

    A number is the metric `summary/<key>` on the hub, anything else the tag
    `summary/<key>`; of a key the last value stands. Reading gives what was put in.
    """

    def __init__(
        self,
        told: Callable[[str, Any], None] | None = None,
        trouble: Callable[[str, Exception], None] | None = None,
    ) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_told", told)
        object.__setattr__(self, "_trouble", trouble)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        try:
            for name, item in flatten({key_of(key): value}).items():
                self._values[name] = item
                if self._told is not None:
                    self._told(name, item)
        except Exception as error:
            if self._trouble is None:
                raise
            self._trouble("summary", error)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"the summary has no `{name}`") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delitem__(self, key: str) -> None:
        raise WrongType("a result that was told stays: put in another value")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Summary({self._values!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (summary_of, (dict(self._values),))


def summary_of(values: dict[str, Any]) -> Summary:
    """A summary of nobody's run."""
    summary = Summary()
    summary._values.update(values)
    return summary
