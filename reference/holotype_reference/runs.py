"""Runs: `docs/codecs/indexed.md` section 4."""

from __future__ import annotations

from .errors import Corrupt, require
from .symbols import Entries, Number, SymbolDecoder, first, signed, uniform, weighted

NEAR = (0, -1, 1, -2, 2, -3, 3)
WEIGHTS = [120, 40, 40, 16, 16, 8, 8, 8, 24, 20, 16, 16, 2, 2, 1, 1]
Run = tuple[int, int, int]


def aged(d: int, history: int) -> int:
    return min(max(d, -2), 2) + 2 + 5 * (history % 5)


class Rows:
    """The state of a tile."""

    def __init__(self, coder: SymbolDecoder, form: int, few: bool, width: int, n_bytes: int) -> None:
        self.coder, self.few, self.width = coder, few, width
        self.entry = Entries(form, n_bytes)
        self.entries: list[int] = []
        self.recent: list[int] = []
        self.same = [first(2) for _ in range(4)]
        self.first, self.right = first(2), first(2)
        self.tokens = [weighted(WEIGHTS) for _ in range(100)]
        self.far = [uniform(), uniform()]
        self.other, self.length, self.rank = Number(), Number(), Number()
        self.place = [uniform() for _ in range(4)]
        self.numbers = [uniform() for _ in range(16)]
        self.add()

    def add(self) -> int:
        require(len(self.entries) < (16 if self.few else 65536), "too many colours")
        self.entries.append(self.entry.decode(self.coder))
        return len(self.entries) - 1

    def colour(self, place: int, c: int, guesses: list[int]) -> int:
        """Section 4.3; −1 is no colour."""
        coder = self.coder
        s = coder.symbol(self.place[place])
        if s < 3:
            colour = guesses[s]
        elif s == 3:
            colour = self.add()
        elif self.few:
            colour = coder.symbol(self.numbers[min(c, 15)])
        else:
            rank = s - 4
            if s == 15:
                rank = self.rank.decode(coder) + 10
            if s == 15 and rank == 10:
                colour = coder.bits((len(self.entries) - 1).bit_length())
            else:
                require(rank < len(self.recent), "a rank")
                colour = self.recent[rank]
        require(0 <= colour < len(self.entries) and colour != c, "a colour")
        if not self.few:
            if colour in self.recent:
                self.recent.remove(colour)
            self.recent.insert(0, colour)
            del self.recent[64:]
        return colour

    def row(self, above: list[Run]) -> list[Run]:
        nothing = (self.width, -1, 12)

        def run(i: int) -> Run:
            return above[i] if i < len(above) else nothing

        colour = above[0][1]
        if not self.coder.flag(self.first):
            colour = self.colour(0, colour, [run(1)[1], -1, -1])
        runs: list[Run] = []
        x, j, before = 0, 0, -1
        while True:
            while above[j][0] <= x:
                j += 1
            end, history, after = self.run(run, j, x, colour, before)
            runs.append((end, colour, history))
            if end == self.width:
                return runs
            x, before, colour = end, colour, after

    def run(self, run, j: int, x: int, c: int, before: int) -> tuple[int, int, int]:
        """Sections 4.1 and 4.2."""
        coder = self.coder
        relation, a = (0, j) if run(j)[1] == c else (1, j + 1) if run(j + 1)[1] == c else (2, j)
        place = d = 0
        while True:
            token = coder.symbol(self.tokens[25 * relation + run(a)[2]])
            if token < 7:
                d = NEAR[token]
            elif token == 7:
                right = coder.flag(self.right)
                d = 4 + coder.symbol(self.far[right])
                d = d if right else -d
            elif token == 8:
                place = 1
            elif token == 9:
                d, place = signed(self.other.decode(coder) + 1), 2
            elif token == 10:
                a, relation = a + 1, 3
                require(run(a)[1] >= 0, "a pass")
                continue
            elif token == 11:
                d, place = x + 1 + self.length.decode(coder) - run(a)[0], 3
            else:
                raise Corrupt("an unknown token")
            break
        end = run(a)[0] + d
        require(x < end <= self.width, "a run outside its row")
        history = 12 if place == 3 else aged(d, run(a)[2])
        if end == self.width:
            return end, history, -1
        if place:
            k = j
            while run(k)[1] >= 0 and run(k)[0] <= end:
                k += 1
            return end, history, self.colour(place, c, [before, run(k)[1], run(k + 1)[1]])
        after = run(a + 1)[1]
        if after == c:
            after = run(a + 2)[1]
        after = before if after < 0 else after
        require(after >= 0, "a colour")
        return end, history, after


def decode(data: bytes, width: int, height: int, n_bytes: int) -> list[int]:
    """The pixels of a tile."""
    require(data and data[0] < 8, "run header")
    coder = SymbolDecoder(data[1:])
    rows = Rows(coder, data[0] & 3, data[0] >= 4, width, n_bytes)
    above: list[Run] = [(width, 0, 12)]
    answers = n_same = 0
    pixels: list[int] = []
    for _ in range(height):
        same = coder.flag(rows.same[answers])
        answers = answers << 1 & 2 | same
        if same:
            n_same += 1
            if n_same <= 2:
                above = [(end, colour, aged(0, history)) for end, colour, history in above]
        else:
            n_same = 0
            above = rows.row(above)
        x = 0
        for end, colour, _ in above:
            pixels += [rows.entries[colour]] * (end - x)
            x = end
    coder.finish()
    return pixels
