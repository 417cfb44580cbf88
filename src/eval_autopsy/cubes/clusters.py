"""Clusters of records that stream by: a half for each, and one record drawn of each that tests.

1. A cluster is in one half, by kernel.half_of, so that records which are alike do not search and
   test the same slice.
2. Records of a cluster do not vouch for each other, and there is no room to deal their outcomes
   out anew. So of those that test one of each cluster is drawn by lot, whatever it came to.
3. A cluster is told by 64 bits of a digest. What is kept grows with clusters, not with rows.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eval_autopsy import kernel
from eval_autopsy.cubes.blocks import CONFIRM, Batch
from eval_autopsy.cubes.tables import Encoded
from eval_autopsy.errors import CannotRead

KEPT = 2**21  # records that were drawn from batches, before they are drawn from again

Numbers = NDArray[np.uint64]


class Members(NamedTuple):
    """Of each of n rows: its half, its cluster and its lot."""

    half: NDArray[np.uint8]  # 0 is searched, 1 tests
    cluster: Numbers
    lot: Numbers

    def only(self, these: NDArray[Any]) -> Members:
        """Some of the rows, by their positions or by which they are."""
        return Members(self.half[these], self.cluster[these], self.lot[these])


class Clusters:
    """The clusters of some rows as they go by, and what is drawn of them."""

    def __init__(self, seed: int, column: str) -> None:
        self.seed, self.column = seed, column
        self.draw = random.Random(f"{seed} clusters").getrandbits
        self.kept: list[tuple[Members, Batch]] = []

    def members(self, encoded: Encoded, where: str) -> Members:
        """The rows of a batch; one without a cluster is one by itself.

        Raises CannotRead for a value that cannot name a cluster.
        """
        rows, indices = len(encoded.indices), np.asarray(encoded.indices)
        units = [self._unit(value, where) for value in encoded.values]
        digests = list(map(self._digest, units))
        half = np.array([digest[0] >= 128 for digest in digests], np.uint8)[indices]
        names = np.frombuffer(b"".join(digest[8:] for digest in digests), np.uint64)
        bits = self.draw(64 * rows) if rows else 0
        lot = np.frombuffer(bits.to_bytes(8 * rows, "little"), np.uint64)
        alone = np.array([not unit for unit in units], np.bool_)[indices]
        half[alone] = lot[alone] % 2
        return Members(half, np.where(alone, lot, names[indices]), lot)

    def add(self, members: Members, batch: Batch) -> None:
        """Draws from the scored rows of a batch."""
        self.kept.append(_one_of_each(members, batch))
        if len(self.kept) > 1 and sum(len(one.lot) for one, _ in self.kept) > KEPT:
            self.kept = [_one_of_each(*_together(self.kept))]

    def drawn(self) -> Batch:
        """The records that were drawn; known once all rows have gone by."""
        return _one_of_each(*_together(self.kept))[1]

    def _unit(self, value: Any, where: str) -> str:
        try:
            return kernel.unit_of(value, "", where)
        except kernel.Unreadable as error:
            remedy = "name a column of texts or whole numbers with --cluster"
            raise CannotRead(error.what, where=where, remedy=remedy) from None

    def _digest(self, unit: str) -> bytes:
        """The digest that kernel.half_of goes by."""
        text = f"{self.seed}:{unit}".encode("utf-8", "surrogatepass")
        return hashlib.md5(text, usedforsecurity=False).digest()


def _one_of_each(members: Members, batch: Batch) -> tuple[Members, Batch]:
    """Of the rows that test, that with the lowest lot of each cluster, in the order of clusters."""
    tests = np.flatnonzero(batch.classes >= CONFIRM)
    order = tests[np.lexsort((members.lot[tests], members.cluster[tests]))]
    names = members.cluster[order]
    first = order[np.append(True, names[1:] != names[:-1])] if len(order) else order
    drawn = Batch([codes[first] for codes in batch.codes], batch.classes[first])
    return members.only(first), drawn


def _together(some: list[tuple[Members, Batch]]) -> tuple[Members, Batch]:
    members = Members(
        np.concatenate([one.half for one, _ in some]),
        np.concatenate([one.cluster for one, _ in some]),
        np.concatenate([one.lot for one, _ in some]),
    )
    codes = zip(*(batch.codes for _, batch in some), strict=True)
    classes = np.concatenate([batch.classes for _, batch in some])
    return members, Batch(list(map(np.concatenate, codes)), classes)
