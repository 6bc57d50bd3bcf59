"""One process: wires stores, stages, doors and pages. The only place that knows everything."""
