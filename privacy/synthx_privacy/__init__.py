"""Differential privacy: what it costs, and how it is kept.

The ground floor of synthx. It knows counts and gradients, and knows no table and no model: what it audits is handed to
it as a function. Here will live the ledger of what was spent, the mechanisms (discrete Gaussian and Laplace,
thresholded histograms, quantiles), private gradient descent, noisy marginals with the tree model fitted to them, and
the audit that bounds epsilon from below. Nothing of it is here yet, so nothing in synthx is differentially private yet.
"""
