"""Control: tasks in closed loop, and the network without spikes that learns them before it is converted."""

from .cart_pole import CartPole
from .deep_q import deep_q, greedy, play
from .lane import Lane
from .task import Played, Step, Task

__all__ = ["CartPole", "Lane", "Played", "Step", "Task", "deep_q", "greedy", "play"]
