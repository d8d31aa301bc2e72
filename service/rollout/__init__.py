"""Which versions are served, by every worker alike, in Kubernetes' words.

An operator changes the *desired state*. The *controller*, in one worker, compares it with what the
*model store* holds and with the *observed state* of all workers, and decides which *rollout* comes
next. The *agent* in each worker loads what a rollout names and then serves it, from the
*repository* that requests read.
"""
