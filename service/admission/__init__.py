"""Who may compute now, who waits, and who is refused: counted in seconds of computing.

A request is not worth the same as another: one picture takes a millisecond, ten thousand take
seconds. So what a request will take is estimated before it is computed, and everything here is in
that unit.

- `jobs`: one request that waits to compute, with what it will take and how long it may wait.
- `backlog`: what waits, in which order it is taken, and what is refused where too much waits.
- `computing`: how many compute in all workers, in memory that the workers share.
- `scheduler`: starts a job when a core is free for it.
- `slots`: the right to compute of a request that runs in a thread; large ones give it up again and
  again, and take it back in their turn.

No module here knows HTTP, models or the server.
"""
