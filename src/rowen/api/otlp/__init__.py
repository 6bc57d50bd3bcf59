"""The doors for OpenTelemetry: spans, and what a program that sends everything sends with them."""
