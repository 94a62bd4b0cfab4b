"""The tab Batch: many recordings, their table, and how they compare with the truth."""
