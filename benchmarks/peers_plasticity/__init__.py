"""Networks that learn, one simulation by each simulator, in a process of its own: a JSON object in, another out.

Diehl and Cook's network. Given: `images`, a NumPy file of bytes [images, pixels]; `neurons`; `warm` and `measured`,
numbers of images; `seed`; `threads`; for Brian2 `mode` and `method`, for BindsNET `form`. Answered: `build`, seconds
before the first image; `seconds`, wall time of each measured image; `spikes` and `intensity` of each image, the
excitatory spikes of the presentation that counted and how strong it was; `presentations` of the measured images;
`weights`, a summary of the learned weights; `theta`, the mean adapted threshold in mV; `biological`, seconds of a
presentation; `version`.

CUBA-STDP. Given: `threads`, `seed`, `settle` and `duration` in ms, `scale`. Answered: `build` and `run`, seconds;
`exc` and `inh`, mean spikes/s in `duration`; `weights`; `peak`, bytes; `version`.
"""
