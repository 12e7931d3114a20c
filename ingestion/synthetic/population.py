"""The microsimulation: initial persons, then half-years of deaths, moves, family events, births and immigration.

Each step keeps the books closed: stock(t+1) = stock(t) + births - deaths + in - out,
also per block (with moves within).
Does not belong here: benefits and other states (`benefits`), files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.synthetic.areas import Areas
from ingestion.synthetic.people import (
    AFRICA,
    CHILD,
    EU,
    GERMAN,
    HEAD,
    MIDDLE_EAST,
    NATIVE,
    OTHER,
    PARTNER,
    UKRAINE,
    People,
    households,
    settle_heads,
)
from lagebild.instance import SyntheticSettings

Array = NDArray[Any]
Rng = np.random.Generator

START_SHARE: Final = 0.95  # of `settings.inhabitants`; growth leads to about 100 % after twelve years
GROWTH_PCT: Final = {
    2014: 0.5, 2015: 1.1, 2016: 0.8, 2017: 0.5, 2018: 0.4, 2019: 0.4, 2020: 0.1, 2021: 0.2,
    2022: 1.3, 2023: 0.5, 2024: 0.2, 2025: 0.0,
}  # fmt: skip
_FOREIGN_INFLOW: Final = {2014: 0.36, 2015: 0.54, 2016: 0.47, 2017: 0.38, 2022: 0.56, 2023: 0.44}
_STOCK_REGIONS: Final = np.array([0, 0.40, 0.18, 0.09, 0.06, 0.02, 0.04, 0.09, 0.12])
_FLOW_REGIONS: Final = {
    2015: np.array([0, 0.27, 0.03, 0.10, 0.42, 0.01, 0.08, 0.05, 0.04]),
    2016: np.array([0, 0.32, 0.04, 0.07, 0.38, 0.01, 0.08, 0.06, 0.04]),
    2022: np.array([0, 0.20, 0.04, 0.04, 0.10, 0.52, 0.03, 0.05, 0.02]),
    2023: np.array([0, 0.28, 0.08, 0.06, 0.18, 0.24, 0.05, 0.08, 0.03]),
}
_FLOW_DEFAULT: Final = np.array([0, 0.48, 0.06, 0.11, 0.12, 0.03, 0.06, 0.09, 0.05])
_KINDS_STOCK: Final = np.array([0.405, 0.285, 0.175, 0.05, 0.085])
_KINDS_FLOW: Final = np.array([0.62, 0.17, 0.11, 0.03, 0.07])
_KINDS_UKRAINE: Final = np.array([0.34, 0.10, 0.14, 0.34, 0.08])


@dataclass(frozen=True)
class HalfYear:
    """Persons at a reference date and the events since the one before. Rows of `events`: one event."""

    index: int
    day: date
    people: People
    events: pd.DataFrame
    """kind (birth, death, move_in, move_out, move_within), pid, block, block_before (-1: none), sex, age, nat, mig,
    direction, date."""

    @property
    def day_int(self) -> int:
        return as_int(self.day)


def as_int(day: date) -> int:
    """yyyymmdd."""
    return day.year * 10000 + day.month * 100 + day.day


class BlockChooser:
    """Draws dwellings: status, origin and phase of life decide how attractive a block is (segregation)."""

    _STATUS = np.array([-1.35, -0.6, 0.0, 0.6, 1.35])

    def __init__(self, blocks: pd.DataFrame) -> None:
        weight = blocks["weight"].to_numpy()
        depr, old = blocks["deprivation"].to_numpy(), blocks["old"].to_numpy()
        town, dense = blocks["town"].to_numpy(), blocks["dense"].to_numpy()
        phases = (0.45 * dense - 0.3 * old + 0.2 * town, -0.35 * old - 0.25 * dense, 0.1 * old, 0.65 * old)
        self._cumulative: dict[tuple[int, int, int], NDArray[np.float64]] = {}
        for phase, phase_effect in enumerate(phases):
            for status, centre in enumerate(self._STATUS):
                for foreign in (0, 1):
                    score = phase_effect - 0.5 * centre * depr + foreign * (0.35 * depr + 0.45 * town)
                    chance = weight * np.exp(score)
                    self._cumulative[phase, status, foreign] = np.cumsum(chance / chance.sum())

    def draw(self, rng: Rng, ses: Array, foreign: Array, head_age: Array, with_children: Array) -> Array:
        """One block per household."""
        status = np.digitize(ses, [-0.95, -0.3, 0.3, 0.95])
        phase = np.select([with_children, head_age < 30, head_age < 60], [1, 0, 2], 3)
        group = phase * 10 + status * 2 + foreign.astype(np.int64)
        point = rng.random(len(ses))
        block = np.zeros(len(ses), dtype=np.int16)
        for number in np.unique(group):
            mine = group == number
            table = self._cumulative[number // 10, number % 10 // 2, number % 2]
            block[mine] = np.minimum(np.searchsorted(table, point[mine]), len(table) - 1)
        return block


def _random_birth(rng: Rng, age: Array, day: int) -> Array:
    """Birth dates of persons who are `age` on `day` (day of month up to 28)."""
    month, dom = rng.integers(1, 13, len(age)), rng.integers(1, 29, len(age))
    monthday = month * 100 + dom
    had_birthday = monthday <= day % 10000
    birth = (day // 10000 - age - np.where(had_birthday, 0, 1)) * 10000 + monthday
    return np.asarray(birth, dtype=np.int32)


def _head_ages(rng: Rng, kind: Array, inflow: bool) -> Array:
    count = len(kind)
    pick = rng.random(count)
    if inflow:
        single = np.where(
            pick < 0.68,
            rng.normal(26, 5, count),
            np.where(pick < 0.92, rng.normal(42, 10, count), rng.normal(72, 9, count)),
        )
        couple = np.where(pick < 0.6, rng.normal(31, 5, count), rng.normal(58, 11, count))
    else:
        single = np.where(
            pick < 0.22,
            rng.normal(27, 4, count),
            np.where(pick < 0.56, rng.normal(49, 9, count), rng.normal(75, 9, count)),
        )
        couple = np.where(
            pick < 0.14,
            rng.normal(30, 4, count),
            np.where(pick < 0.42, rng.normal(54, 6, count), rng.normal(69, 8, count)),
        )
    family = rng.normal(35.5 if inflow else 41.5, 6.8, count)
    lone = rng.normal(37, 8, count)
    other = np.where(pick < 0.3, rng.normal(25, 3, count), rng.normal(57, 6, count))
    age = np.select([kind == 0, kind == 1, kind == 2, kind == 3], [single, couple, family, lone], other)
    high = np.select([kind == 2, kind == 3], [60, 56], 96)
    return np.clip(age, np.where(kind >= 2, 20, 18), high).astype(np.int64)


class Simulation:
    """State of the microsimulation; `run` yields one `HalfYear` per reference date."""

    def __init__(self, settings: SyntheticSettings, areas: Areas) -> None:
        self._settings = settings
        self._rng = np.random.default_rng([settings.seed, 2])
        self._chooser = BlockChooser(areas.blocks)
        self._next_pid = 1
        self._next_hid = 1

    def run(self) -> Iterator[HalfYear]:
        """Reference dates 30.06. and 31.12. of every year, in order."""
        settings = self._settings
        start = date(settings.first_year - 1, 12, 31)
        people = self._initial(round(settings.inhabitants * START_SHARE), as_int(start))
        people = people.take(np.argsort(people.pid, kind="stable"))
        target = float(len(people))
        previous = start
        for index in range(2 * settings.years):
            day = date(settings.first_year + index // 2, *((6, 30) if index % 2 == 0 else (12, 31)))
            target *= 1 + GROWTH_PCT.get(day.year, 0.3) / 200
            people, events = self._step(people, index, previous, day, round(target))
            yield HalfYear(index, day, people, events)
            previous = day

    # --- building households -------------------------------------------------

    def _initial(self, count: int, day: int) -> People:
        number = int(count / 1.9)
        people = self._build(number, day, _KINDS_STOCK, 0.085, _STOCK_REGIONS, NATIVE, 0.0)
        while len(people) < count:
            people = people.join(
                self._build(max(count // 20, 50), day, _KINDS_STOCK, 0.085, _STOCK_REGIONS, NATIVE, 0.0)
            )
        return _whole_households(people, count)

    def _build(
        self,
        number: int,
        day: int,
        kinds: Array,
        foreign_share: float,
        regions: Array,
        arrived: int,
        refugee_share: float,
    ) -> People:
        """`number` new households with all members."""
        rng, inflow = self._rng, arrived != NATIVE
        foreign = rng.random(number) < foreign_share
        nat = np.where(foreign, rng.choice(len(regions), number, p=regions / regions.sum()), GERMAN)
        kind = rng.choice(5, number, p=kinds)
        ukrainian = nat == UKRAINE
        if inflow and ukrainian.any():
            kind[ukrainian] = rng.choice(5, int(ukrainian.sum()), p=_KINDS_UKRAINE)
        head_age = _head_ages(rng, kind, inflow)
        refugee = np.isin(nat, (MIDDLE_EAST, AFRICA)) & (rng.random(number) < refugee_share)
        refugee |= ukrainian & inflow & (rng.random(number) < 0.94) & (day >= 20220201)
        head_mig = foreign | (rng.random(number) < 0.13)
        ses = rng.normal(0.12, 1, number) - 0.55 * foreign - 0.2 * (head_mig & ~foreign) - 0.5 * refugee
        ses -= 0.35 * (kind == 3)
        with_children = (kind == 2) | (kind == 3)
        block = self._chooser.draw(rng, ses, foreign, head_age, with_children)
        head_sex = np.where(rng.random(number) < 0.55, 0, 1)
        head_sex = np.where((kind == 0) & (head_age > 65), rng.random(number) < 0.68, head_sex)
        head_sex = np.where(kind == 3, rng.random(number) < (0.97 if inflow else 0.87), head_sex)
        head_sex = np.where((kind == 0) & refugee & ~ukrainian, rng.random(number) < 0.2, head_sex).astype(
            np.int64
        )

        children = np.where(with_children, 1 + rng.binomial(2, np.where(kind == 2, 0.36, 0.24)), 0)
        children += ((children > 0) & (rng.random(number) < 0.05 + 0.1 * foreign)).astype(np.int64)
        flat = (kind == 4) & (
            head_age < 40
        )  # shared flats; older "other" households live with adult children
        others = np.where(
            kind == 4, np.where(flat, rng.integers(1, 4, number), rng.integers(1, 3, number)), 0
        )

        has_partner = (kind == 1) | (kind == 2) | ((kind == 4) & ~flat & (rng.random(number) < 0.75))
        house = np.concatenate(
            [
                np.arange(number),
                np.flatnonzero(has_partner),
                np.repeat(np.arange(number), children),
                np.repeat(np.arange(number), others),
            ]
        )
        partners, kids, mates = int(has_partner.sum()), int(children.sum()), int(others.sum())
        role = np.repeat(
            np.array([HEAD, PARTNER, CHILD, OTHER], dtype=np.int8), [number, partners, kids, mates]
        )
        at_home = (role == OTHER) & ~flat[house]
        role = np.where(at_home, CHILD, role).astype(np.int8)

        age = head_age[house].copy()
        total = len(house)
        is_partner, is_mate = role == PARTNER, role == OTHER
        age = np.where(is_partner, np.clip(age + np.round(rng.normal(0, 3, total)), 18, 97), age)
        oldest_child = np.clip(head_age[house] - 19, 0, 19)
        young = np.clip((rng.random(total) ** 0.9) * (oldest_child + 1), 0, None)
        age = np.where((role == CHILD) & ~at_home, np.minimum(young, oldest_child), age)
        age = np.where(
            at_home, np.clip(rng.normal(22, 3.5, total), 18, np.maximum(head_age[house] - 20, 18)), age
        )
        age = np.where(is_mate, np.clip(age + rng.normal(0, 2, total), 18, 60), age).astype(np.int64)

        sex = np.where(role == HEAD, head_sex[house], rng.random(total) < 0.487)
        opposite = np.where(rng.random(total) < 0.97, 1 - head_sex[house], head_sex[house])
        sex = np.where(is_partner, opposite, sex)
        sex = np.where(rng.random(total) < 0.0004, 2, sex).astype(np.int8)

        own = nat[house]
        turned_german = (role == PARTNER) & (rng.random(total) < 0.2) & ~refugee[house]
        turned_german |= (role == CHILD) & (rng.random(total) < (0.12 if inflow else 0.4)) & ~refugee[house]
        own = np.where((own != GERMAN) & turned_german, GERMAN, own)
        own = np.where(
            (own == GERMAN) & is_partner & ~foreign[house] & (rng.random(total) < 0.03), EU, own
        ).astype(np.int8)
        mig = (own != GERMAN) | head_mig[house] & (role != PARTNER) | (rng.random(total) < 0.06)

        pid = np.arange(self._next_pid, self._next_pid + total, dtype=np.int64)
        hid = np.arange(self._next_hid, self._next_hid + number, dtype=np.int64)
        self._next_pid += total
        self._next_hid += number
        person_ses = 0.8 * ses[house] + rng.normal(0, 0.45, total)
        return People(
            pid=pid,
            hid=hid[house],
            birth=_random_birth(rng, age, day),
            sex=sex,
            nat=own,
            mig=mig,
            refugee=refugee[house] & (own != GERMAN),
            arrived=np.full(total, arrived, dtype=np.int16),
            block=block[house],
            role=role,
            ses=person_ses.astype(np.float32),
            work=rng.normal(0, 1, total).astype(np.float32),
            need=rng.normal(0, 1, total).astype(np.float32),
            jobless=np.minimum(rng.geometric(0.35, total), 8).astype(np.int16)
            if not inflow
            else np.zeros(total, np.int16),
        )

    # --- one half-year ------------------------------------------------------

    def _step(
        self, people: People, index: int, previous: date, day: date, target: int
    ) -> tuple[People, pd.DataFrame]:
        rng, before, now = self._rng, as_int(previous), as_int(day)
        stock_pid, stock_block = people.pid, people.block.copy()
        people = people.take(np.arange(len(people)))  # own copies: the caller keeps the old state
        log = _EventLog(rng, previous, day)

        dies = rng.random(len(people)) < _mortality(people.age(before), people.sex, day.year)
        log.add("death", people.take(dies), people.age(before)[dies])
        people = people.take(~dies)
        orphans = settle_heads(people, now)
        self._house_orphans(people, orphans)

        leaves = self._emigrants(people, now, index)
        log.add(
            "move_out", people.take(leaves), people.age(before)[leaves], _directions(rng, people.nat[leaves])
        )
        people = people.take(~leaves)
        self._house_orphans(people, settle_heads(people, now))

        self._leave_home(people, now)
        self._separate(people, now)
        self._pair_up(people, now)
        self._relocate(people, now)
        self._house_orphans(people, settle_heads(people, now))

        babies = self._births(people, previous, day)
        log.add("birth", babies, babies.age(now))
        people = people.join(babies)
        self._naturalise(people, index)

        newcomers = self._immigrants(max(target - len(people), 0), index, day)
        log.add("move_in", newcomers, newcomers.age(now), _directions(rng, newcomers.nat))
        people = people.join(newcomers)

        order = np.argsort(people.pid, kind="stable")
        people = people.take(order)
        old = _block_before(stock_pid, stock_block, people.pid)
        moved = (old >= 0) & (old != people.block)
        log.add("move_within", people.take(moved), people.age(now)[moved], before=old[moved])

        people.work[:] = 0.92 * people.work + np.sqrt(1 - 0.92**2) * rng.normal(0, 1, len(people))
        people.need[:] = 0.955 * people.need + np.sqrt(1 - 0.955**2) * rng.normal(0, 1, len(people))
        return people, log.frame()

    def _house_orphans(self, people: People, rows: Array) -> None:
        """Minors left without adults join a family of two or more adults."""
        if len(rows) == 0:
            return
        alone = np.isin(people.hid, people.hid[rows])
        hosts = np.flatnonzero((people.role == PARTNER) & ~alone)
        hid, inverse = np.unique(people.hid[alone], return_inverse=True)
        host = hosts[self._rng.integers(0, len(hosts), len(hid))][inverse]
        people.role[alone] = CHILD
        people.block[alone] = people.block[host]
        people.hid[alone] = people.hid[host]

    def _emigrants(self, people: People, now: int, index: int) -> Array:
        """Whole households, and young adults on their own."""
        rng = self._rng
        age = people.age(now)
        home = households(people, now)
        head_age = age[home.head]
        rate = np.interp(
            head_age, [18, 24, 30, 40, 50, 65, 80], [0.05, 0.055, 0.045, 0.025, 0.012, 0.005, 0.005]
        )
        foreign = people.nat[home.head] != GERMAN
        recent = (people.arrived[home.head] >= 0) & (index - people.arrived[home.head] < 8)
        rate = (
            rate
            * np.where(foreign, 1.55, 1.0)
            * np.where(recent, 1.3, 1.0)
            * np.where(home.minors > 0, 0.8, 1.0)
        )
        goes = rng.random(len(rate)) < rate
        youth = (people.role == CHILD) & (age >= 18) & (age <= 27) & (rng.random(len(people)) < 0.04)
        return np.asarray(goes[home.of] | youth)

    def _new_households(self, people: People, rows: Array, now: int) -> None:
        """Each of `rows` becomes the head of a household of its own in a dwelling of its own."""
        people.hid[rows] = np.arange(self._next_hid, self._next_hid + len(rows))
        self._next_hid += len(rows)
        people.role[rows] = HEAD
        age = people.age(now)[rows]
        people.block[rows] = self._chooser.draw(
            self._rng, people.ses[rows], people.nat[rows] != GERMAN, age, np.zeros(len(rows), dtype=bool)
        )

    def _leave_home(self, people: People, now: int) -> None:
        age = people.age(now)
        chance = np.interp(age, [17, 18, 22, 28, 40], [0, 0.02, 0.07, 0.1, 0.05])
        goes = (
            ((people.role == CHILD) | (people.role == OTHER))
            & (age >= 18)
            & (self._rng.random(len(people)) < chance)
        )
        self._new_households(people, np.flatnonzero(goes), now)

    def _separate(self, people: People, now: int) -> None:
        age = people.age(now)
        chance = np.interp(age, [20, 30, 45, 60, 70], [0.02, 0.012, 0.009, 0.003, 0.0005])
        goes = (people.role == PARTNER) & (self._rng.random(len(people)) < chance)
        # where the partner who would go is a mother, the father (head) goes instead in most families
        home = households(people, now)
        rows = np.flatnonzero(goes)
        head = home.head[home.of[rows]]
        swap = (people.sex[rows] == 1) & (people.sex[head] != 1) & (home.minors[home.of[rows]] > 0)
        swap &= self._rng.random(len(rows)) < 0.85
        people.role[rows[swap]] = HEAD
        self._new_households(people, np.where(swap, head, rows), now)

    def _pair_up(self, people: People, now: int) -> None:
        """Singles (and single parents) move together, matched by age."""
        rng = self._rng
        age = people.age(now)
        home = households(people, now)
        single = (home.kind == 0) | (home.kind == 3)
        rows = home.head[single]
        chance = np.interp(age[rows], [18, 23, 30, 40, 55, 70], [0.02, 0.08, 0.1, 0.05, 0.02, 0.004])
        rows = rows[rng.random(len(rows)) < chance]
        men, women = rows[people.sex[rows] == 0], rows[people.sex[rows] == 1]
        count = min(len(men), len(women))
        men, women = rng.permutation(men)[:count], rng.permutation(women)[:count]
        men = men[np.argsort(age[men], kind="stable")]
        women = women[np.argsort(age[women], kind="stable")]
        for stays, comes in ((men[::2], women[::2]), (women[1::2], men[1::2])):
            pairs = min(len(stays), len(comes))
            stays, comes = stays[:pairs], comes[:pairs]
            target = pd.Series(stays, index=people.hid[comes])
            joins = np.isin(people.hid, people.hid[comes])
            host = target.loc[people.hid[joins]].to_numpy()
            people.role[joins] = CHILD  # children come along
            people.role[comes] = PARTNER
            people.hid[joins], people.block[joins] = people.hid[host], people.block[host]

    def _relocate(self, people: People, now: int) -> None:
        """Whole households change their dwelling within the Kreis."""
        rng = self._rng
        age = people.age(now)
        home = households(people, now)
        head = home.head
        rate = np.interp(
            age[head], [18, 25, 32, 40, 50, 65, 80], [0.05, 0.055, 0.045, 0.026, 0.015, 0.008, 0.009]
        )
        moves = np.flatnonzero(rng.random(len(rate)) < rate)
        heads = head[moves]
        target = home.hid * 0 - 1
        target[moves] = self._chooser.draw(
            rng, people.ses[heads], people.nat[heads] != GERMAN, age[heads], home.minors[moves] > 0
        )
        new = target[home.of]
        people.block[:] = np.where(new >= 0, new, people.block)

    def _births(self, people: People, previous: date, day: date) -> People:
        rng, now = self._rng, as_int(day)
        age = people.age(now)
        partner = (people.role == PARTNER) | households(people, now).partnered[households(people, now).of]
        rate = (
            0.048
            * np.exp(-0.5 * ((age - 31) / 5.6) ** 2)
            * np.where(partner & (people.role <= PARTNER), 1.75, 0.3)
        )
        rate *= np.where(people.nat != GERMAN, 1.2, 1.0) * np.where(day.year in (2016, 2021), 1.05, 1.0)
        rate *= 1.0 if day.year < 2022 else 0.9
        mother = np.flatnonzero(
            (people.sex == 1) & (age >= 16) & (age <= 47) & (rng.random(len(people)) < rate)
        )
        count = len(mother)
        offset = rng.integers(1, 180, count)
        births = np.datetime64(previous) + offset.astype("timedelta64[D]")
        parts = pd.DatetimeIndex(births)
        foreign = (people.nat[mother] != GERMAN) & (rng.random(count) < 0.62)
        pid = np.arange(self._next_pid, self._next_pid + count, dtype=np.int64)
        self._next_pid += count
        return People(
            pid=pid,
            hid=people.hid[mother],
            birth=(parts.year * 10000 + parts.month * 100 + parts.day).to_numpy().astype(np.int32),
            sex=np.where(rng.random(count) < 0.513, 0, 1).astype(np.int8),
            nat=np.where(foreign, people.nat[mother], GERMAN).astype(np.int8),
            mig=people.mig[mother] | foreign | (rng.random(count) < 0.06),
            refugee=people.refugee[mother] & foreign,
            arrived=np.where(foreign, people.arrived[mother], NATIVE).astype(np.int16),
            block=people.block[mother],
            role=np.full(count, CHILD, dtype=np.int8),
            ses=(0.8 * people.ses[mother] + rng.normal(0, 0.45, count)).astype(np.float32),
            work=rng.normal(0, 1, count).astype(np.float32),
            need=rng.normal(0, 1, count).astype(np.float32),
            jobless=np.zeros(count, dtype=np.int16),
        )

    def _naturalise(self, people: People, index: int) -> None:
        stay = index - people.arrived.astype(np.int64)
        chance = np.where(people.arrived == NATIVE, 0.006, np.where(stay >= 12, 0.02, 0.0))
        becomes = (people.nat != GERMAN) & (self._rng.random(len(people)) < chance)
        people.nat[becomes] = GERMAN
        people.refugee[becomes] = False

    def _immigrants(self, count: int, index: int, day: date) -> People:
        """Whole households until about `count` persons have come."""
        year = day.year
        share = _FOREIGN_INFLOW.get(year, 0.36)
        regions = _FLOW_REGIONS.get(year, _FLOW_DEFAULT)
        refugees = 0.85 if year in (2015, 2016) else 0.55
        number = int(count / 1.75) + 3
        people = self._build(number, as_int(day), _KINDS_FLOW, share, regions, index, refugees)
        while len(people) < count:
            more = self._build(
                max(number // 10, 5), as_int(day), _KINDS_FLOW, share, regions, index, refugees
            )
            people = people.join(more)
        return _whole_households(people, count)


class _EventLog:
    """Collects the events of one half-year; dates are spread evenly between the two reference dates."""

    def __init__(self, rng: Rng, previous: date, day: date) -> None:
        self._rng = rng
        self._previous = np.datetime64(previous)
        self._days = (day - previous).days
        self._frames: list[pd.DataFrame] = []

    def add(
        self,
        kind: str,
        people: People,
        age: Array,
        direction: Array | None = None,
        before: Array | None = None,
    ) -> None:
        count = len(people)
        if kind == "birth":
            text = people.birth.astype(np.int64)
            when = (
                pd.to_datetime(pd.Series(text).astype(str), format="%Y%m%d")
                .to_numpy()
                .astype("datetime64[D]")
            )
        else:
            when = self._previous + self._rng.integers(1, self._days + 1, count).astype("timedelta64[D]")
        self._frames.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "pid": people.pid,
                    "block": people.block,
                    "block_before": before if before is not None else np.full(count, -1),
                    "sex": people.sex,
                    "age": age,
                    "nat": people.nat,
                    "mig": people.mig,
                    "direction": direction if direction is not None else np.full(count, "", dtype=object),
                    "date": when,
                }
            )
        )

    def frame(self) -> pd.DataFrame:
        return pd.concat(self._frames, ignore_index=True)


def _mortality(age: Array, sex: Array, year: int) -> Array:
    """Probability of death within half a year (Gompertz, with infants; 2020–2022 a little higher for the old)."""
    yearly = np.exp(-10.35 + 0.096 * age) * np.where(sex == 1, 0.82, 1.25) + 0.0002
    yearly = np.where(age == 0, 0.003, yearly) * np.where((age >= 75) & (2020 <= year <= 2022), 1.06, 1.0)
    return np.asarray(np.minimum(yearly, 0.6) / 2)


def _directions(rng: Rng, nat: Array) -> Array:
    abroad = np.where(nat == GERMAN, 0.06, 0.62)
    pick = rng.random(len(nat))
    return np.select(
        [pick < abroad, pick < abroad + (1 - abroad) * 0.35], ["Ausland", "Bund"], "Land"
    ).astype(object)


def _block_before(pids: Array, blocks: Array, wanted: Array) -> Array:
    """Block of each wanted person in the sorted older stock, -1 if not there."""
    position = np.minimum(np.searchsorted(pids, wanted), len(pids) - 1)
    return np.where(pids[position] == wanted, blocks[position], -1).astype(np.int64)


def _whole_households(people: People, count: int) -> People:
    """Leading households whose members do not exceed `count` persons."""
    order = np.argsort(people.hid, kind="stable")
    people = people.take(order)
    ends = np.flatnonzero(np.concatenate([people.hid[1:] != people.hid[:-1], [True]])) + 1
    fits = ends[ends <= count]
    return people.take(np.arange(fits[-1] if len(fits) else 0))
