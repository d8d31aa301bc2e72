"""What is counted, timed and logged, and what is compared with a shadow version.

instruments.py       every counter, gauge and histogram, with its labels
metrics.py           what is counted for the models that are served, and the text of /metrics
numbers.py           the numbers of one process, in memory that others can read
multiprocess.py      the folder in which several workers keep their numbers
observer.py          what is measured of one request's predictions
shadow.py            a shadow version compared with the version that answered
logs.py              one JSON object a line
line_writer.py       lines written by a thread of its own, so that nobody waits for a file
"""
