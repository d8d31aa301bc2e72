"""Metrics, counters of features, logs, and the comparison with a shadow version.

From the ground up:

- `logs`: the log as JSON.
- `instruments`: names, help texts, labels and buckets of the metrics.
- `feature_counters`: counters of the bins of features, summed over all workers.
- `multiprocess`: the files in which several workers keep their numbers.
- `metrics`: the instruments and the text that Prometheus reads.
- `shadow`: the comparison with a shadow version.
- `observer`: what is measured of one request's predictions.
"""
