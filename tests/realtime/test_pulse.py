"""When newcomers are refused."""

from realtime.pulse import CALM_SECONDS, LATE_SECONDS, Pulse


def test_newcomers_are_refused_while_the_loop_is_late_and_until_it_has_been_calm() -> None:
    """One late beat refuses newcomers, a second of punctual ones welcomes them, and each is said once."""
    told: list[bool] = []
    pulse = Pulse(lambda: False, told.append)
    pulse.beat(10.0, 0.001)
    pulse.beat(10.1, LATE_SECONDS)
    pulse.beat(10.2, 0.0)
    pulse.beat(10.1 + CALM_SECONDS, 0.0)
    assert told == [True, False]
    assert (pulse.longest_block_seconds, pulse.overloads) == (LATE_SECONDS, 1)


def test_newcomers_are_refused_while_commands_pile_up() -> None:
    """The writer's queue counts like a late loop."""
    told: list[bool] = []
    is_pressed = True
    pulse = Pulse(lambda: is_pressed, told.append)
    pulse.beat(10.0, 0.0)
    is_pressed = False
    pulse.beat(10.0 + CALM_SECONDS, 0.0)
    assert told == [True, False]
