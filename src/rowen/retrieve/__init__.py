"""What we know: documents are loaded, cut, embedded and indexed; a question is searched, fused, and answered with citations."""
