"""The small services that run in the peers' own environments."""
