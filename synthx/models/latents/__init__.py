"""A latent space for table models: encoder and prior, drawing by way of it, and walks through it."""
