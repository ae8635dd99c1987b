"""People decide: the queue, verdicts and their undo, batches, what is shown of decisions."""
