"""How many requests a number of cores answers, and how soon.

- `simulation`: servers behind a balancer, in simulated time, with the service's own scheduler.
- `validation`: the simulation's percentiles beside those of a real service on one core.
"""
