"""The generators: one file a model, `base` for the contract, `tabular` for what table models share, and parts."""
