"""Everything that speaks HTTP: pages, the API, webhooks. The only place that knows Flask."""
