"""Search of one index in this process, exact under any filter: vectors and postings as arrays, made from a driver's rows.

The arrays are a picture of what the store holds; they are made again whenever they are missing or do not fit it. Needs
NumPy (`pip install rowen[rag]`), so it is imported through `rowen.store.scan.opening` when a search is made.
"""
