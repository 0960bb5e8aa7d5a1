"""The generators: one file a model, `base` for their contract, and the parts that they share."""
