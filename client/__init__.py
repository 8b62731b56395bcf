"""Tools around the pipeline: try a message, enrich ticks, look before a deployment, price it."""
