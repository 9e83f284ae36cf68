"""Student's t, against the tables that everybody has."""

from math import inf, sqrt
from random import Random

import pytest

from services.ops.experiments.policy_comparison.comparison import Interval, interval, p_value

TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 10: 2.228, 19: 2.093, 30: 2.042, 120: 1.980}
"""The two-sided 95 % points of a printed table, by degrees of freedom."""


@pytest.mark.parametrize(("df", "expected"), TABLE.items())
def test_the_quantiles_are_those_of_the_printed_table(df: int, expected: float) -> None:
    """Of a sample whose standard error is 1, the interval reaches one quantile to each side of the mean."""
    values = [sqrt(df) * sqrt((df + 1) / 2), -sqrt(df) * sqrt((df + 1) / 2), *[0.0] * (df - 1)]
    found = interval(values)
    assert found.high == pytest.approx(expected, abs=6e-4)
    assert found.low == pytest.approx(-expected, abs=6e-4)
    assert p_value([value + found.high for value in values]) == pytest.approx(2 * 0.025)
    assert p_value([value - found.high for value in values]) == pytest.approx(2 * 0.025)


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    assert interval([3.0]) == Interval(mean=3.0, low=-inf, high=inf)
    with pytest.raises(ValueError, match="nothing"):
        interval([])


def test_nineteen_of_twenty_intervals_hold_the_true_mean() -> None:
    random = Random(1)
    drawn = (interval([random.gauss(5, 2) for _ in range(6)]) for _ in range(2000))
    assert sum(each.low <= 5 <= each.high for each in drawn) / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_difference_is_more_than_chance_when_zero_is_outside_its_interval() -> None:
    differences = [1.0, 2.0, 1.5, 0.7, 1.9]
    assert interval(differences).without_zero
    assert p_value(differences) < 0.05
    assert not interval([*differences, -9.0]).without_zero
    assert p_value([*differences, -9.0]) > 0.05
    assert (p_value([2.0, 2.0]), p_value([0.0, 0.0]), p_value([4.0])) == (0.0, 1.0, 1.0)
