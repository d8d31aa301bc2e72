"""Studies: many small trainings that answer one question, with one plot and one table each.

They publish nothing (but the winner of a search, where that is asked for), and go on where they
were interrupted.
"""
