"""How many requests a number of cores answers, and how soon: measured, simulated and worked out.

- `simulation`: servers behind a balancer, in simulated time, with the service's own scheduler.
- `validation`: the simulation's percentiles beside those of a real service on one core.
- `experiments`: what is asked of the simulation: percentiles by load, size, balancer and loss.
- `measuring`: what one core answers, and what a replica and each of its models take.
- `figures`: all of it, as it is kept in docs/capacity/figures.json.
- `report`: as the tables of docs/capacity.md, with what is worked out; `plots`: as its pictures.

`python -m benchmarks.capacity` runs them.
"""
