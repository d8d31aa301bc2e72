"""The service beside other model servers, with the same networks and inputs: `make bench`.

Rooms, each importing only those below it:

- `__main__`: what is run, in turn and in rounds.
- `report`, `plots`: what came out, as a table and as pictures.
- `alone`: decoding and the network alone, as a bound.
- `measuring`: one case on one server.
- `peers`, `checkouts`: how each server is started and asked; `serving`: starts and ends it.
- `cases`: what is sent; `networks`: the folder of models; `environments`: installs the peers.
- `wrk`: the load.

`services` holds what runs in the peers' own environments; nothing here imports it.
"""
