"""The generator and the draws of `src/draws.rs`, written again from their descriptions.

ChaCha with 8 rounds (D. Bernstein, 2008), 64-bit block counter and 64-bit stream number; the key
is the seed in eight bytes and the purpose in twenty-four. Numbers below a bound by D. Lemire
(2019).
"""

import struct

ROWS = b"mlhub-eval bootstrap v1\0"
WITHIN_CLASSES = b"mlhub-eval stratified v1"
SIGNS = b"mlhub-eval permutation 1"
DOMINANCE = b"mlhub-eval dominance v1\0"

MASK = 0xFFFFFFFF


def quarter(x: list[int], a: int, b: int, c: int, d: int) -> None:
    for add, to, turn in ((b, d, 16), (d, b, 12), (b, d, 8), (d, b, 7)):
        into = a if turn in (16, 8) else c
        x[into] = (x[into] + x[add]) & MASK
        x[to] ^= x[into]
        x[to] = ((x[to] << turn) | (x[to] >> (32 - turn))) & MASK


class Generator:
    """Numbers of one stream."""

    def __init__(self, domain: bytes, seed: int, stream: int) -> None:
        key = struct.pack("<Q", seed) + domain
        assert len(key) == 32
        self.head = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key)]
        self.tail = [stream & MASK, stream >> 32]
        self.block = 0
        self.words: list[int] = []

    def next_u32(self) -> int:
        if not self.words:
            start = [*self.head, self.block & MASK, self.block >> 32, *self.tail]
            x = list(start)
            for _ in range(4):
                for corner in range(4):
                    quarter(x, corner, corner + 4, corner + 8, corner + 12)
                for corner in range(4):
                    right, down, left = (corner + 1) % 4, (corner + 2) % 4, (corner + 3) % 4
                    quarter(x, corner, 4 + right, 8 + down, 12 + left)
            self.words = [(a + b) & MASK for a, b in zip(x, start)]
            self.block += 1
        return self.words.pop(0)

    def below(self, bound: int) -> int:
        while True:
            product = self.next_u32() * bound
            low = product & MASK
            if low >= bound or low >= (2**32 - bound) % bound:
                return product >> 32


def rows(seed: int, sample: int, count: int) -> list[int]:
    """The rows of a resample, in the order they were drawn."""
    generator = Generator(ROWS, seed, sample)
    return [generator.below(count) for _ in range(count)]


def rows_of_groups(seed: int, sample: int, group: list[str]) -> list[int]:
    names = list(dict.fromkeys(group))
    drawn = [names[place] for place in rows(seed, sample, len(names))]
    return [row for name in drawn for row, of in enumerate(group) if of == name]


def rows_within_classes(seed: int, sample: int, classes: list[int]) -> list[int]:
    generator = Generator(WITHIN_CLASSES, seed, sample)
    drawn = []
    for label in sorted(set(classes)):
        of_label = [row for row, of in enumerate(classes) if of == label]
        drawn += [of_label[generator.below(len(of_label))] for _ in of_label]
    return drawn


def coins(seed: int, sample: int, count: int) -> list[int]:
    """0 or 1 for each unit, 32 to a number, lowest bit first."""
    generator = Generator(SIGNS, seed, sample)
    thrown: list[int] = []
    while len(thrown) < count:
        bits = generator.next_u32()
        thrown += [(bits >> place) & 1 for place in range(32)]
    return thrown[:count]


def check() -> None:
    """The multiplicities that a test of `src/draws.rs` freezes."""
    for seed, sample, expected in (
        (42, 0, [0, 0, 1, 2, 1, 2, 1, 1, 1, 1]),
        (42, 1, [2, 1, 1, 2, 1, 1, 1, 0, 0, 1]),
        (43, 0, [1, 0, 1, 1, 1, 0, 2, 1, 3, 0]),
    ):
        drawn = rows(seed, sample, 10)
        assert [drawn.count(row) for row in range(10)] == expected, (seed, sample, drawn)


check()
