import pytest

from demo import scenario
from methods.errors import SettingWrong


@pytest.mark.parametrize("scale", ["full", "small"])
def test_every_year_leaves_room_for_what_it_counts(scale):
    rehearsal = scenario.load(scale)
    assert sorted(rehearsal.years) == [1401, 1402, 1403, 1404]
    for size in rehearsal.years.values():
        assert size.confirmed_plan_count < size.decided_plan_count < size.supervised_plan_count
        assert size.supervised_plan_count < size.eligible_plan_count
    assert sum(agency.share for agency in rehearsal.agencies.values()) == pytest.approx(1)


def test_the_year_of_the_announcement_counts_what_was_announced():
    size = scenario.load("full").year(1403)
    assert size == scenario.Year(240_000, 48_004, 44_146, 32_668)


@pytest.mark.parametrize("scale", ["huge", "nowhere/other.yaml"])
def test_an_unknown_scale_names_the_known_ones(scale):
    with pytest.raises(SettingWrong, match="full, small"):
        scenario.load(scale)


def test_a_year_outside_the_rehearsal_is_refused():
    with pytest.raises(SettingWrong, match="1401 to 1404"):
        scenario.load("small").year(1399)
