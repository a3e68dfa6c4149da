"""What the environment says about colours."""

from microagent.colours import are_wanted


def test_no_color_counts_more_than_force_color() -> None:
    """
    Who wants no colours gets none; who says nothing gets them where there is a terminal that has them.
    """
    assert are_wanted({"NO_COLOR": "1", "FORCE_COLOR": "1"}) is False
    assert are_wanted({"FORCE_COLOR": "1", "TERM": "dumb"}) is True
    assert are_wanted({"TERM": "dumb"}) is False
    assert are_wanted({}) is None
