"""webhook-processor: a webhook becomes rows of the price table."""
