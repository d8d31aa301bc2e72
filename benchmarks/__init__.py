"""Measurements that compare: ratios taken side by side in one run, medians, and the machine.

- `peers`: the service beside other model servers, with the same networks and inputs: `make bench`.
- `servers`: the service on several web servers, which are asked and mistreated in the same way.
- `parts`: what each part of a request costs, beside a floor.

They stand on `machine` (where figures were taken, and where they are kept), `processes` (what a
server's processes use, and how they are ended), `exchange` (a long request and a long answer) and
`page` (the document that shows the last figures).
"""
