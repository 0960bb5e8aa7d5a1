"""Fits with differential privacy: the budget, the way of a fit, gradient descent on real rows."""
