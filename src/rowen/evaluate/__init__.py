"""Would it be good: data sets, the metric plan, and the statistics that compare."""
