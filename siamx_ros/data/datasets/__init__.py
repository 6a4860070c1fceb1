"""One module for each data set in the layout in which it is published.

Each lists the entries of a split without opening a picture; an entry is read when it is called.
"""
