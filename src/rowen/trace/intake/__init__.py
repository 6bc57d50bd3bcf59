"""Spans that come in from anywhere: OTLP's bodies as spans, and spans as what Rowen keeps of them."""
