"""Which versions are served, by every worker alike, in the words of Kubernetes.

Operators change the *desired state*. The *controller*, in one worker, takes a *snapshot* of it, of
what the *model store* holds and of the *observed state* that the agents report; `reconcile`, a pure
function, decides which *rollout* comes next. The *agent* in each worker loads what a rollout names
and swaps the *repository*, which requests read, at the moment that the rollout names.
"""
