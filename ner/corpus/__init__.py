"""Files to sentences, sentences to prepared rows, rows to batches."""
