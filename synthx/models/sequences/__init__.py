"""Parts of the models of sequences: the network, its batches, its training, drawing from it."""
