"""The wire: one package per vendor or engine, always streaming."""
