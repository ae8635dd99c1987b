"""Pages: the queue, decisions, batches, history, keys."""
