"""What is counted, timed and logged, and what is compared with a shadow version.

instruments.py       every counter, gauge and histogram, with its labels
metrics.py           what is counted for the models that are served, and the text of /metrics
bins.py              the bins of features in that text
exposition.py        the text: words that stay, and numbers that change
numbers.py           the numbers of one process, in memory that others can read
totals.py            the numbers of all processes, added up
multiprocess.py      the folder in which several workers keep their numbers
marks.py             when a model or a version was served for the last time
retention.py         how long the series of what is gone are kept
observer.py          what is measured of one request's predictions
shadow.py            a shadow version compared with the version that answered
tracing.py           the trace that a request belongs to
spans.py             finished requests as spans of OpenTelemetry
sampling.py          which requests leave a line in the log
logs.py              one JSON object a line
line_writer.py       lines written by a thread of its own, so that nobody waits for a file
"""
