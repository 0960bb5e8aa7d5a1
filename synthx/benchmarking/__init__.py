"""Generators beside each other on one's own table: ours, SDV's, and two anchors that show the ends of the scale.

The package is not called ``synthx.benchmark``, for that is the function: a module of that name would take its place in
`synthx` as soon as something imported it. Nothing is imported here, so that a worker loads what it needs and no more.
"""
