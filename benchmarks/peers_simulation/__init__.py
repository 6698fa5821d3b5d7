"""One simulation by each simulator, in a process of its own: a JSON object in, another out.

Given: `model`, `threads`, `settle` and `duration` in ms, `seed`, and `shape`, numbers that a model needs. Answered:
`build` and `run`, seconds of wall time for building and for `duration`; `rate`, mean spikes/s over all neurons in
`duration`; `peak`, bytes that were resident at most; `version`.
"""
