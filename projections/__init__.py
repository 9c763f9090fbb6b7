"""Read models, one file each, and the runner that keeps them.

A projection is a view that can be thrown away and made again from the events: it decides nothing, and what it knows
comes from ``ordertrail.domain`` alone. Every question of deadlines is answered at the time of the query.
"""
