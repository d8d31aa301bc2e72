"""Measurements that compare: ratios taken side by side in one run, medians, and the machine.

`servers` puts the service on several web servers, which are asked and mistreated in the same way.
It stands on `machine` (where figures were taken, and where they are kept), `processes` (what a
server's processes use, and how they are ended) and `exchange` (a long request and a long answer).
"""
