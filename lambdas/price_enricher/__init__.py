"""price-enricher: rows that were inserted get their metrics."""
