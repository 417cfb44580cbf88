"""Records that share a cluster count as fewer independent ones, and intervals go by these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel

from .oracles import ORACLES

Sizes = Sequence[tuple[int, int]]  # of each cluster, how many are right and how many there are
CLUSTERS = st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
SOME = st.lists(CLUSTERS, min_size=2, max_size=12)


def effective(clusters: Sizes) -> float:
    right, n = ({str(i): one[at] for i, one in enumerate(clusters)} for at in (0, 1))
    sums = kernel.clusters_of(right, n)
    return kernel.effective(sum(right.values()), sum(n.values()), sums)


def variances(clusters: Sizes) -> tuple[Fraction, Fraction]:
    """Of the rate, by clusters (CR1) and by records, added up record by record."""
    scores = [
        (cluster, Fraction(number < right))
        for cluster, (right, n) in enumerate(clusters)
        for number in range(n)
    ]
    n, number = len(scores), len(clusters)
    mean = sum((score for _, score in scores), Fraction()) / n
    together = [(one - mean) * (other - mean) for a, one in scores for b, other in scores if a == b]
    alone = [(score - mean) ** 2 for _, score in scores]
    return (
        Fraction(number, number - 1) * sum(together) / n**2,
        Fraction(sum(alone)) / (n * (n - 1)),
    )


def made(split: str, clusters: Sizes, level: str = "a") -> list[kernel.Record]:
    """Records of some clusters in one slice; those of a cluster are named `SPLIT CLUSTER`."""
    rows = [
        (f"{split} {level} {cluster}", number, number < right)
        for cluster, (right, n) in enumerate(clusters)
        for number in range(n)
    ]
    return [
        kernel.Record(
            *(split, f"{unit} {number}", None, None, None, None, (f'"{level}"',)),
            frozenset({"records", "counted", "right" if good else "wrong"}),
            unit,
        )
        for unit, number, good in rows
    ]


def cube(eval_: Sizes, production: Sizes, other: Sizes = ()) -> kernel.Cube:
    """A cube of both splits; `other` are clusters of production in a slice "b"."""
    records = [*made("eval", eval_), *made("production", production)]
    return kernel.count_records(["s"], [*records, *made("production", other, "b")])


def interval(split: str, of: kernel.Cube, where: kernel.Where) -> list[str]:
    args = {"split": split, "outcome": "right", "of": "counted", "where": where}
    found: list[str] = kernel.derive("interval", args, of)
    return found


def difference_interval(of: kernel.Cube) -> list[float]:
    args = {"outcome": "right", "of": "counted", "where": {}}
    return list(map(float, kernel.derive("difference_interval", args, of)))


# ---------------------------------------------------------------- what other programs say


@pytest.mark.parametrize("name", ["1.clustered_se.R", "1.clustered_se.py"])
def test_the_variance_by_clusters_agrees_with_oracle(name: str) -> None:
    found = ORACLES[name]
    scores, names = found["inputs"]["scores"], found["inputs"]["cluster"]
    pairs = [
        [score for score, one in zip(scores, names, strict=True) if one == cluster]
        for cluster in sorted(set(names))
    ]
    deff = (found["values"]["CR1"] / found["values"]["se_clt"]) ** 2
    size = effective([(sum(one), len(one)) for one in pairs])
    assert len(scores) / size == pytest.approx(deff, abs=1e-11)


def test_wilson_of_fewer_independent_records_agrees_with_oracle() -> None:
    found = ORACLES["1.clustered_wilson.R"]
    k, n = sum(found["inputs"]["x"]), sum(found["inputs"]["n"])
    ends = found["values"]["lower"], found["values"]["upper"]
    size = n / found["values"]["xihat"]
    assert kernel.wilson(k, n, size) == pytest.approx(ends, abs=found["tol"])


# ---------------------------------------------------------------- how many they count as


@given(SOME)
def test_records_count_as_many_as_the_two_variances_make_them(clusters: Sizes) -> None:
    n, right = sum(n for _, n in clusters), sum(k for k, _ in clusters)
    if right in (0, n):
        return
    together, alone = variances(clusters)
    wanted = n if together <= alone else n * alone / together
    assert effective(clusters) == pytest.approx(float(wanted), rel=1e-12)


@given(st.lists(st.booleans(), min_size=3, max_size=40), st.integers(2, 6))
def test_copies_of_a_record_add_nothing(right: list[bool], copies: int) -> None:
    size = effective([(copies * one, copies) for one in right])
    assert len(right) - 1 < size <= len(right)


def test_a_hundred_tasks_tried_five_times_are_a_hundred_and_not_five_hundred() -> None:
    always_alike = [(5, 5)] * 60 + [(0, 5)] * 40
    found = [float(end) for end in interval("production", cube([(1, 1)], always_alike), {})]
    assert found == pytest.approx(kernel.wilson(60, 100), abs=0.001)
    assert found[1] - found[0] > 2 * (kernel.wilson(300, 500)[1] - kernel.wilson(300, 500)[0])


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_records_of_which_none_share_a_cluster_are_all_independent(right: list[bool]) -> None:
    assert effective([(one, 1) for one in right]) == len(right)
    alone = cube([(1, 1)], [(one, 1) for one in right])
    wanted = [kernel.real(end) for end in kernel.wilson(sum(right), len(right))]
    assert interval("production", alone, {}) == wanted


def test_records_that_agree_less_than_chance_would_have_it_are_no_more_than_they_are() -> None:
    assert effective([(1, 2)] * 10) == 20
    assert effective([(1, 2)] * 9 + [(2, 2)]) == 20


@pytest.mark.parametrize("right", [0, 5])
def test_where_all_are_right_or_all_wrong_a_cluster_counts_as_one_record(right: int) -> None:
    clusters = [(right, 5)] * 100
    assert effective(clusters) == 100
    wanted = [kernel.real(end) for end in kernel.wilson(right * 20, 100)]
    assert interval("production", cube([(1, 1)], clusters), {}) == wanted


# ---------------------------------------------------------------- a single cluster


def test_the_interval_of_a_single_cluster_is_not_known() -> None:
    found = interval("production", cube([(1, 1)], [(3, 5)]), {})
    assert found == ["0", "1"]
    assert kernel.formatted({"op": "interval", "value": found}, "percent") == "not known"


def test_a_single_cluster_leaves_the_difference_as_wide_as_it_can_be() -> None:
    low, high = difference_interval(cube([(1, 1)] * 100, [(5, 10)]))
    # The rate of production may be anything, from 0 to 1; that of eval goes down to 0.963.
    assert low == pytest.approx(-0.5 - 0.5, abs=1e-12)
    assert high == pytest.approx(-0.5 + math.hypot(0.5, 1 - kernel.wilson(100, 100)[0]), abs=1e-11)


def test_one_record_alone_is_no_cluster() -> None:
    of = cube([(2, 2), (0, 1)], [(1, 1)])
    assert interval("production", of, {}) == [kernel.real(end) for end in kernel.wilson(1, 1)]


# ---------------------------------------------------------------- claims


def test_a_slice_goes_by_the_clusters_of_its_own_records() -> None:
    of = cube([(1, 1)], [(1, 1)] * 30 + [(0, 1)] * 10, [(4, 4), (0, 4), (4, 4)])
    alone = [kernel.real(end) for end in kernel.wilson(30, 40)]
    assert interval("production", of, {"s": ["a"]}) == alone
    size = effective([(4, 4), (0, 4), (4, 4)])
    wanted = [kernel.real(end) for end in kernel.wilson(8, 12, size)]
    assert interval("production", of, {"s": ["b"]}) == wanted
    assert size < 3


def test_the_interval_of_a_difference_is_made_of_those_of_both_rates() -> None:
    before, after = [(4, 4)] * 20 + [(1, 4)] * 5, [(4, 4)] * 12 + [(0, 4)] * 13
    low, high = difference_interval(cube(before, after))
    (l0, u0), (l1, u1) = (
        kernel.wilson(k, 100, effective(some)) for k, some in ((85, before), (48, after))
    )
    # Newcombe 1998, method 10, on these ends.
    assert low == pytest.approx(-0.37 - math.hypot(0.48 - l1, u0 - 0.85), abs=1e-11)
    assert high == pytest.approx(-0.37 + math.hypot(u1 - 0.48, 0.85 - l0), abs=1e-11)


def test_clusters_are_counted_where_some_records_share_one() -> None:
    args = {"split": "production", "outcome": "counted", "where": {}}
    assert kernel.derive("clusters", args, cube([(1, 1)], [(1, 2), (1, 1)])) == "2"
    with pytest.raises(kernel.Undefined, match="none share a cluster"):
        kernel.derive("clusters", args, cube([(1, 1)], [(1, 1), (0, 1)]))


def test_a_cluster_of_both_splits_is_one_in_each() -> None:
    both = [
        kernel.Record(*(split, str(i), None, None, None, None, ()), outcomes, str(i))
        for split in kernel.SPLITS
        for i, outcomes in enumerate([frozenset({"counted", "right"}), frozenset({"counted"})])
    ]
    of = kernel.count_records([], both)
    assert of.clusters("eval", "right", "counted", {}) is None


def test_the_corrected_score_goes_by_clusters_too() -> None:
    names = {"corrected", "corrected_least", "corrected_most", "independent"}
    records = [
        kernel.Record(
            *("production", f"{cluster} {number}", None, None, None, None, ()),
            frozenset(names if cluster % 4 else {"corrected", "independent"}),
            str(cluster),
        )
        for cluster in range(40)
        for number in range(5)
    ]
    found = kernel.corrected_interval(kernel.count_records([], records), "production")
    assert found == pytest.approx(kernel.wilson(30, 40), abs=0.005)


def p_of(production: Sizes, other: Sizes) -> float:
    """The adjusted p of the slice "a" of production, beside "b"."""
    return kernel.p_adjusted(cube([(1, 1)], production, other), {"s": ["a"]})


def test_copies_of_records_make_a_slice_no_more_certain() -> None:
    alone = p_of([(1, 1)] * 12 + [(0, 1)] * 18, [(1, 1)] * 24 + [(0, 1)] * 6)
    copied = p_of([(9, 9)] * 12 + [(0, 9)] * 18, [(9, 9)] * 24 + [(0, 9)] * 6)
    taken_alone = 2 * kernel.fisher(9 * 18, 9 * 12, 9 * 6, 9 * 24)
    assert alone == pytest.approx(2 * kernel.fisher(18, 12, 6, 24))  # Holm, of two slices
    # Of 30 clusters CR1 makes 29 independent records, in whole numbers.
    assert copied == pytest.approx(2 * kernel.fisher(17, 12, 6, 23))
    assert taken_alone < alone <= copied


def test_a_slice_of_a_single_cluster_is_no_different_from_the_rest() -> None:
    assert p_of([(0, 50)], [(1, 1)] * 40) == 1
