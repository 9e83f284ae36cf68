"""How events travel: the relay that publishes a log, the consumers that read in batches."""
