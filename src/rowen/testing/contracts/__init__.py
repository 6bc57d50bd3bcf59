"""What every plug-in of a kind has to hold to, as tests to inherit: for ours and for other people's."""
